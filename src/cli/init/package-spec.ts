/** Where npm gets Sluice from, for a project in another folder than the one that has Sluice already. */
import { readFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { MANIFEST } from "./project.ts";

const FILE = "file:";

/**
 * What the package.json of `here` says of the package, for a project in `folder`. The version alone would not do where
 * Sluice came from a tarball or a repository: the registry may not have it. `null`: it says nothing.
 */
export async function inheritedSpec(
  here: string,
  folder: string,
  packageName: string,
): Promise<string | null> {
  const spec = specIn(await readFile(join(here, MANIFEST), "utf8").catch(() => "{}"), packageName);
  if (!spec?.startsWith(FILE)) return spec;
  const file = resolve(here, spec.slice(FILE.length));
  return `${FILE}${relative(resolve(here, folder), file)}`;
}

function specIn(manifest: string, packageName: string): string | null {
  try {
    const { dependencies, devDependencies } = JSON.parse(manifest);
    const spec: unknown = { ...devDependencies, ...dependencies }[packageName];
    return typeof spec === "string" ? spec : null;
  } catch {
    return null;
  }
}
