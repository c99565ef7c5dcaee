import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "..");

export interface Upload {
  code: string;
  compatibilityDate: string;
  compatibilityFlags: string[];
}

/** What `wrangler deploy` would upload now: the Worker's code, and the runtime that wrangler.toml asks for. */
export async function buildUpload(): Promise<Upload> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-demo-"));
  const file = join(folder, "upload");
  const run = dryRun(file);
  // On exit, because Ctrl-C may come first.
  process.once("exit", () => {
    run.child.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  await run;
  return parse(await readFile(file));
}

function dryRun(outfile: string) {
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  return promisify(execFile)(process.execPath, [wrangler, "deploy", "--dry-run", "--outfile", outfile], {
    cwd: ROOT,
    // With its banner, wrangler asks the registry for a newer version.
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
  });
}

/** The body of the upload API: a form with the metadata as JSON, and a file for each module. */
async function parse(upload: Buffer): Promise<Upload> {
  const boundary = upload.subarray(2, upload.indexOf("\r\n")).toString();
  const headers = { "Content-Type": `multipart/form-data; boundary=${boundary}` };
  const form = await new Response(upload, { headers }).formData();
  const text = async (name: string) => new Response(form.get(name)).text();
  const metadata = JSON.parse(await text("metadata"));
  return {
    code: await text(metadata.main_module),
    compatibilityDate: metadata.compatibility_date,
    compatibilityFlags: metadata.compatibility_flags,
  };
}
