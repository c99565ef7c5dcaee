/** Where npm gets Sluice from, as a project's package.json says it. */
import { readFile, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { MANIFEST } from "./project.ts";

const FILE = "file:";

/**
 * For a project in `folder`, seen from the folder `here`. `given`: what the user says. Otherwise what the package.json of
 * `here` says: where Sluice came from a tarball or a repository, the registry may not have it. `null`: neither.
 */
export async function packageSpec(
  given: string | undefined,
  packageName: string,
  { here, folder }: { here: string; folder: string },
): Promise<string | null> {
  const spec = given ?? (await specIn(join(here, MANIFEST), packageName));
  const path = spec?.startsWith(FILE) ? spec.slice(FILE.length) : spec;
  if (path === null || path === undefined || !(await isThere(resolve(here, path)))) return spec;
  return `${FILE}${relative(resolve(here, folder), resolve(here, path))}`;
}

async function specIn(manifest: string, packageName: string): Promise<string | null> {
  try {
    const { dependencies, devDependencies } = JSON.parse(await readFile(manifest, "utf8"));
    const spec: unknown = { ...devDependencies, ...dependencies }[packageName];
    return typeof spec === "string" ? spec : null;
  } catch {
    return null;
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
