/**
 * Bundles the dashboard's script, from src/dashboard/page/main.ts to src/dashboard/page.min.js, which the Worker
 * serves. The bundle is committed, so that `wrangler deploy` and `wrangler dev` need no build step of ours, which would
 * fail in other folders and with other configurations; test/dashboard/bundle.test.ts fails while it is out of date.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Metafile } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
export const PAGE_BUNDLE = "src/dashboard/page.min.js";

export async function bundlePage(): Promise<{ text: string; metafile: Metafile }> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/dashboard/page/main.ts"],
    write: false,
    bundle: true,
    format: "esm",
    target: "es2022",
    // The same wherever it is built, so that a source map says where an error on an operator's console was.
    minify: true,
    metafile: true,
    logLevel: "warning",
  });
  return { text: outputFiles[0]?.text ?? "", metafile };
}

if (import.meta.main) await writeFile(join(ROOT, PAGE_BUNDLE), (await bundlePage()).text);
