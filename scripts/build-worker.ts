/** Bundles the Worker as the package has it: one module for workerd, beside the command. */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..");

/** Writes `worker.js` into the folder. */
export async function buildWorker(folder: string): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/index.ts"],
    outfile: "worker.js",
    write: false,
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
    logLevel: "warning",
  });
  await mkdir(folder, { recursive: true });
  // Atomically, as another run of the command may be reading it.
  const draft = join(folder, `worker.js.${process.pid}`);
  await writeFile(draft, outputFiles[0]?.contents as Uint8Array);
  await rename(draft, join(folder, "worker.js"));
}

if (import.meta.main) await buildWorker(join(ROOT, "dist"));
