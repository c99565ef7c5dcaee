/**
 * Builds the command `sluice`: one JavaScript file for Node 20 and newer that contains all its packages, and beside it
 * a file with their licences.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
const LICENCE_FILES = ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENCE"];

export async function buildCommand(folder = join(ROOT, "dist")): Promise<void> {
  const { version } = await manifestOf(ROOT);
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/cli/sluice.ts"],
    outfile: "sluice.js",
    write: false,
    bundle: true,
    platform: "node",
    // jsonc-parser's CommonJS build requires its parts by computed names, which cannot be bundled.
    mainFields: ["module", "main"],
    target: "node20",
    format: "esm",
    metafile: true,
    logLevel: "warning",
    define: { SLUICE_VERSION: JSON.stringify(version) },
    // commander is CommonJS and requires Node's own modules.
    banner: {
      js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
    },
  });
  const packages = Object.keys(metafile.inputs).flatMap(
    (file) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
  );
  const licences = await Promise.all([...new Set(packages)].sort().map(licenceOf));
  await mkdir(folder, { recursive: true });
  await put(join(folder, "sluice.js"), outputFiles[0]?.contents as Uint8Array);
  await put(join(folder, "THIRD-PARTY-LICENCES.txt"), licences.join("\n\n"));
}

/** Replaces the file atomically, as another run of the command may be reading it. */
async function put(file: string, content: string | Uint8Array): Promise<void> {
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, content);
  await rename(draft, file);
}

async function licenceOf(name: string): Promise<string> {
  const home = join(ROOT, "node_modules", name);
  const { version, license } = await manifestOf(home);
  const texts = await Promise.allSettled(LICENCE_FILES.map((file) => readFile(join(home, file), "utf8")));
  const text = texts.find((read) => read.status === "fulfilled")?.value ?? `Licence: ${license}`;
  return `${name} ${version}\n${"=".repeat(60)}\n${text.trim()}`;
}

async function manifestOf(folder: string): Promise<{ version: string; license: string }> {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
}

if (import.meta.main) await buildCommand();
