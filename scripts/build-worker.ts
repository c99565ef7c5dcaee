/**
 * Bundles the Workers of the package, each one module. Sluice's is named by a wrangler.toml as `main`, or exported from by
 * a module of the user's own; beside it are its types and the licences of the packages in it, which are those of the
 * rehearsal's Worker too.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { licencesOf } from "./licences.ts";
import { ROOT } from "./manifest.ts";
import { put } from "./put.ts";

/** Writes `worker.js` and what belongs to it into the folder. Resolves with the files' names. */
export async function buildWorker(folder: string): Promise<string[]> {
  const { name, metafile } = await bundle("src/index.ts", join(folder, "worker.js"));
  return [
    name,
    await put(join(folder, "worker.d.ts"), await readFile(join(ROOT, "types/worker.d.ts"))),
    await put(join(folder, "worker.licences.txt"), await licencesOf(metafile)),
  ];
}

/** Writes `rehearsal-worker.js`, which `sluice rehearse` finds beside itself, into the folder. Resolves with its name. */
export async function buildRehearsalWorker(folder: string): Promise<string> {
  return (await bundle("src/rehearsal/worker.ts", join(folder, "rehearsal-worker.js"))).name;
}

async function bundle(entry: string, file: string) {
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
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
  return { name: await put(file, outputFiles[0]?.contents as Uint8Array), metafile };
}

if (import.meta.main) await buildWorker(join(ROOT, "dist"));
