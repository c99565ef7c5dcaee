/**
 * Writes template/ anew: a project as `sluice init --yes` makes it, for the Deploy to Cloudflare button and for
 * `create cloudflare --template`. test/cli/init/template.test.ts fails while it is another one.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildCommand } from "./build-cli.ts";
import { ROOT } from "./manifest.ts";

export const TEMPLATE = join(ROOT, "template");
const NAME = "sluice";

/** Both ask for the secrets of this file, and fill in what it says: a token here would be everybody's. */
const SECRETS = "ADMIN_TOKEN=\n";
const ABOUT_SECRETS = {
  ADMIN_TOKEN: {
    description:
      "The operator's token: make one with `openssl rand -hex 32`, and keep it. At least 16 characters.",
  },
};

/** The template's files by name. `command`: the file of the command `sluice`. */
export async function templateFiles(command: string): Promise<Map<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-template-"));
  try {
    await promisify(execFile)(process.execPath, [command, "init", NAME, "--yes"], { cwd: folder });
    const textOf = (name: string) => readFile(join(folder, NAME, name), "utf8");
    const manifest = { ...JSON.parse(await textOf("package.json")), cloudflare: { bindings: ABOUT_SECRETS } };
    return new Map([
      ["package.json", `${JSON.stringify(manifest, null, 2)}\n`],
      ["wrangler.toml", await textOf("wrangler.toml")],
      [".gitignore", await textOf(".gitignore")],
      [".dev.vars.example", SECRETS],
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const built = await mkdtemp(join(tmpdir(), "sluice-command-"));
  await buildCommand(built);
  await mkdir(TEMPLATE, { recursive: true });
  for (const [name, text] of await templateFiles(join(built, "sluice.js"))) {
    await writeFile(join(TEMPLATE, name), text);
  }
  await rm(built, { recursive: true });
}
