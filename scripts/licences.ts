/** The licences of the packages that a bundle contains, in a file beside it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { manifestOf, ROOT } from "./manifest.ts";

const LICENCE_FILES = ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENCE"];

export async function licencesOf({ inputs }: Metafile): Promise<string> {
  const packages = Object.keys(inputs).flatMap(
    (file) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
  );
  const licences = await Promise.all([...new Set(packages)].sort().map(licenceOf));
  return licences.join("\n\n");
}

async function licenceOf(name: string): Promise<string> {
  const home = join(ROOT, "node_modules", name);
  const { version, license } = await manifestOf(home);
  const texts = await Promise.allSettled(LICENCE_FILES.map((file) => readFile(join(home, file), "utf8")));
  const text = texts.find((read) => read.status === "fulfilled")?.value ?? `Licence: ${license}`;
  return `${name} ${version}\n${"=".repeat(60)}\n${text.trim()}`;
}
