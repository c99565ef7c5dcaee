/**
 * Builds the command `sluice`: one file of plain JavaScript for Node 20 and newer, with everything it uses in it,
 * and beside it the licences of what that is. `node scripts/build-cli.ts [folder]`, by default `dist`.
 */
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
const folder = process.argv[2] ?? join(ROOT, "dist");
const command = join(folder, "sluice.js");

const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ["src/cli/sluice.ts"],
  outfile: command,
  bundle: true,
  platform: "node",
  // ES modules where a package has both: what jsonc-parser has for CommonJS asks for its parts in a way that hides them.
  mainFields: ["module", "main"],
  target: "node20",
  format: "esm",
  metafile: true,
  logLevel: "warning",
  define: { SLUICE_VERSION: JSON.stringify(version) },
  // commander is CommonJS and asks for Node's own modules by `require`.
  banner: {
    js: '#!/usr/bin/env node\nimport { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
  },
});
await chmod(command, 0o755);

const packages = Object.keys(metafile.inputs).flatMap(
  (file) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
);
const licences = [...new Set(packages)].sort().map(licenceOf);
await writeFile(join(folder, "THIRD-PARTY-LICENCES.txt"), (await Promise.all(licences)).join("\n\n"));

async function licenceOf(name: string): Promise<string> {
  const home = join(ROOT, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(home, "package.json"), "utf8"));
  const names = ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENCE"];
  const texts = await Promise.allSettled(names.map((file) => readFile(join(home, file), "utf8")));
  const text = texts.find((read) => read.status === "fulfilled")?.value ?? `Licence: ${license}`;
  return `${name} ${version}\n${"=".repeat(60)}\n${text.trim()}`;
}
