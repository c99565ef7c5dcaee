/**
 * Bundles the Worker as the package has it: one module that a wrangler.toml can name as `main`, or that a module of the
 * user's own can export from. Beside it are its types and the licences of the packages in it.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { licencesOf } from "./licences.ts";
import { ROOT } from "./manifest.ts";
import { put } from "./put.ts";

/** Writes `worker.js` and what belongs to it into the folder. */
export async function buildWorker(folder: string): Promise<void> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/index.ts"],
    outfile: "worker.js",
    write: false,
    bundle: true,
    format: "esm",
    // As wrangler 4.164 bundles. Names stay whole, as a stack trace in the log should tell something.
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
    metafile: true,
    logLevel: "warning",
  });
  await put(join(folder, "worker.js"), outputFiles[0]?.contents as Uint8Array);
  await put(join(folder, "worker.d.ts"), await readFile(join(ROOT, "types/worker.d.ts")));
  await put(join(folder, "worker.licences.txt"), await licencesOf(metafile));
}

if (import.meta.main) await buildWorker(join(ROOT, "dist"));
