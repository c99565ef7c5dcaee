import { join } from "node:path";
import { bundle } from "../../test/support/bundle.ts";
import { newFolder } from "../processes.ts";

const HERE = "bench/workers";
const BENCH_CONFIG = `${HERE}/wrangler.toml`;

/** What a deploy would upload, and the names that wrangler gives the files. */
const ENTRIES = {
  sluice: { entry: "src/index.ts", config: "wrangler.toml" },
  counted: { entry: `${HERE}/counted.ts`, config: "wrangler.toml" },
  spread: { entry: `${HERE}/spread.ts`, config: "wrangler.toml" },
  "pass-through": { entry: `${HERE}/pass-through.ts`, config: BENCH_CONFIG },
  "through-object": { entry: `${HERE}/through-object.ts`, config: BENCH_CONFIG },
  "bare-lease": { entry: `${HERE}/bare-lease.ts`, config: BENCH_CONFIG },
  "pass-on": { entry: `${HERE}/pass-on.ts`, config: BENCH_CONFIG },
  "pass-on-duties": { entry: `${HERE}/pass-on-duties.ts`, config: BENCH_CONFIG },
  "counted-bare-lease": { entry: `${HERE}/counted-bare-lease.ts`, config: BENCH_CONFIG },
  "counted-pass-on": { entry: `${HERE}/counted-pass-on.ts`, config: BENCH_CONFIG },
  crowd: { entry: `${HERE}/crowd.ts`, config: BENCH_CONFIG },
  leaver: { entry: `${HERE}/leaver.ts`, config: BENCH_CONFIG },
} as const;
export type BundleName = keyof typeof ENTRIES;

/** Path of each bundle. */
export type Bundles = Record<BundleName, string>;

/** `readable`: functions have their names and lines, as they have not where it is deployed. */
export async function bundleAll(readable: boolean): Promise<Bundles> {
  const folder = newFolder();
  const paths = {} as Bundles;
  for (const [name, { entry, config }] of Object.entries(ENTRIES)) {
    const outdir = join(folder, name);
    await bundle(entry, outdir, config, ...(readable ? ["--no-minify"] : []));
    const file = entry.split("/").at(-1)?.replace(".ts", ".js") as string;
    paths[name as BundleName] = join(outdir, file);
  }
  return paths;
}
