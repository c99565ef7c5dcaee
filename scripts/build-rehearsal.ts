/** Bundles the Worker of `sluice rehearse`, one module that the command finds beside itself. */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
const FILE = "rehearsal-worker.js";

/** Writes `rehearsal-worker.js` into the folder. */
export async function buildRehearsalWorker(folder = join(ROOT, "dist")): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/rehearsal/worker.ts"],
    outfile: FILE,
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
  const draft = join(folder, `${FILE}.${process.pid}`);
  await writeFile(draft, outputFiles[0]?.contents as Uint8Array);
  await rename(draft, join(folder, FILE));
}

if (import.meta.main) await buildRehearsalWorker();
