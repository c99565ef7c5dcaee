import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildCommand } from "../../scripts/build-cli.ts";
import { buildRehearsalWorker, buildWorker } from "../../scripts/build-worker.ts";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = "SLUICE_TEST_BUNDLES";

const ENTRIES = {
  /** What users deploy. */
  production: "src/index.ts",
  /** The same with the handles of entry.ts. */
  test: "test/support/entry.ts",
};
export type Bundle = keyof typeof ENTRIES;

export function bundlePath(bundle: Bundle): string {
  const file = bundle === "production" ? "index.js" : "entry.js";
  return join(process.env[FOLDER] as string, bundle, file);
}

/** The command `sluice` as its package has it; the Worker that `sluice serve` runs is beside it. */
export function commandPath(): string {
  return join(process.env[FOLDER] as string, "cli", "sluice.js");
}

/** The global setup of a test run: bundles once, with the very command that a deploy uses, for all test files. */
export default async function bundleOnce(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bundles-"));
  process.env[FOLDER] = folder;
  await Promise.all([
    ...Object.entries(ENTRIES).map(([name, entry]) => bundle(entry, join(folder, name))),
    buildCommand(join(folder, "cli")),
    buildWorker(join(folder, "cli")),
    buildRehearsalWorker(join(folder, "cli")),
  ]);
  return () => rm(folder, { recursive: true, force: true });
}

/** Builds as `wrangler deploy` would. `more`: options of it. */
export async function bundle(
  entry: string,
  outdir: string,
  config = "wrangler.toml",
  ...more: string[]
): Promise<void> {
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  const args = [wrangler, "deploy", entry, "--dry-run", "--outdir", outdir, "--config", config, ...more];
  await promisify(execFile)(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
  });
}
