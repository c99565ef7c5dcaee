/**
 * Builds the command `sluice`: one JavaScript file for Node 20 and newer that contains all its packages, and beside it
 * a file with their licences.
 */
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { licencesOf } from "./licences.ts";
import { manifestOf, ROOT } from "./manifest.ts";
import { put } from "./put.ts";

/**
 * Requires node:http. An import reads everything that a module has, here also what loads all of fetch: a sixth of the
 * CPU time that a command takes which asks no Sluice, as the completion of words does (Node 26.10, 2026-11-27).
 */
const REQUIRE_HTTP: Plugin = {
  name: "require-http",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:https?$/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "required" } : { path, external: true },
    );
    onLoad({ filter: /.*/, namespace: "required" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/** Writes `sluice.js` and what belongs to it into the folder. Resolves with the files' names. */
export async function buildCommand(folder = join(ROOT, "dist")): Promise<string[]> {
  const { name, version, devDependencies } = await manifestOf(ROOT);
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
    plugins: [REQUIRE_HTTP],
    logLevel: "warning",
    define: {
      SLUICE_PACKAGE: JSON.stringify(name),
      SLUICE_VERSION: JSON.stringify(version),
      WRANGLER_VERSION: JSON.stringify(devDependencies.wrangler),
    },
    // For what commander requires, which is CommonJS, and for ours.
    banner: {
      js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
    },
  });
  return [
    await put(join(folder, "sluice.js"), outputFiles[0]?.contents as Uint8Array),
    await put(join(folder, "sluice.licences.txt"), await licencesOf(metafile)),
  ];
}

if (import.meta.main) await buildCommand();
