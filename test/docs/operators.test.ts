/** Runs what docs/operators.md and docs/monitoring.md show of tokens, as it stands there. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readDevVars } from "../../src/cli/wrangler-file/dev-vars.ts";
import { CLOSED_ROUTES } from "../admin/support.ts";
import { Folder } from "../cli/script.ts";
import { commandPath } from "../support/bundle.ts";
import { promtool } from "../support/promtool.ts";
import { Sluice } from "../support/sluice.ts";
import { WITHOUT_PROMTOOL } from "../support/tools.ts";
import { read } from "./documents.ts";
import { fencesOf } from "./markdown.ts";

const POOLS = {
  web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] },
  api: { path_prefix: "/api/", servers: [{ name: "api-1", url: "http://127.0.0.1:8" }] },
};
const FILE = "admin-tokens.json";

/** The blocks of shell commands below a heading that are to be run. */
function shown(document: string, heading: string): string[] {
  const [, section = ""] = read(document).split(`\n${heading}\n`);
  const [own = ""] = section.split("\n## ");
  const blocks = fencesOf(own).filter(({ language, comment }) => language === "sh" && comment === null);
  return blocks.map(({ text }) => text);
}

/** Runs a block in the folder. `npx --no sluice` is the command as it is packaged. Returns what is on stdout. */
function type(block: string, cwd: string, env: NodeJS.ProcessEnv = {}): string {
  const npx = `npx() { shift 2; '${process.execPath}' '${commandPath()}' "$@"; }`;
  const { status, stdout, stderr } = spawnSync("bash", ["-e", "-c", `${npx}\n${block}`], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  expect(status, stderr).toBe(0);
  return stdout;
}

const digest = (token: string) => createHash("sha256").update(token).digest("hex");

async function sluiceWith(folder: string): Promise<Sluice> {
  const texts = { ADMIN_TOKENS: await readFile(join(folder, FILE), "utf8") };
  const sluice = await Sluice.start({ pools: POOLS, texts });
  onTestFinished(() => sluice.stop());
  return sluice;
}

test("a token is made, stored, looked at and rotated as docs/operators.md shows", async () => {
  const { path } = await Folder.make();
  const [make = "", store = "", check = "", next = "", revoke = "", ...more] = shown(
    "docs/operators.md",
    "## Make and rotate a token",
  );
  expect(more).toEqual([]);
  const first = type(make, path).trim();
  expect(first).toMatch(/^sluice_/);

  await writeFile(join(path, ".dev.vars"), "ADMIN_TOKEN=that-of-everybody\nADMIN_TOKENS={}\n");
  type(store, path);
  const devVars = readDevVars(await readFile(join(path, ".dev.vars"), "utf8"));
  const stored = JSON.parse(await readFile(join(path, FILE), "utf8"));
  expect(JSON.parse(devVars.ADMIN_TOKENS ?? "")).toEqual(stored);
  expect(stored.ci).toEqual({ sha256: digest(first), may: ["look", "drain"], pools: ["web"] });

  const { url } = await sluiceWith(path);
  const [there = "", here = ""] = type(check, path, { SLUICE_URL: url, SLUICE_TOKEN: first }).split(
    `${FILE}: `,
  );
  expect(there).toMatch(
    /^"ci", signed in by a token of ADMIN_TOKENS\n\nPOOL .*\nweb {3}yes {3}yes {4}– .*\n$/,
  );
  expect(here).toBe('1 name, no problem found\nthe token is that of "ci": it may look, drain for web\n');

  const second = type(next, path).trim();
  const both = await sluiceWith(path);
  const statuses = (sluice: Sluice) =>
    Promise.all([first, second].map((one) => sluice.admin("GET", "/api/pools/web", undefined, one))).then(
      (answers) => answers.map(({ status }) => status),
    );
  expect(await statuses(both)).toEqual([200, 200]);
  type(revoke, path);
  expect(await statuses(await sluiceWith(path))).toEqual([401, 200]);
});

test("Prometheus, with the token of docs/monitoring.md, gets the metrics, and 403 for every change", async () => {
  const { path } = await Folder.make();
  const [make = ""] = shown("docs/monitoring.md", "## Metrics");
  expect(type(make, path)).toBe("");
  const sluice = await sluiceWith(path);
  // As Prometheus reads it.
  const token = (await readFile(join(path, "sluice-token"), "utf8")).trim();
  const scrape = await sluice.admin("GET", "/metrics", undefined, token);
  expect(scrape.status).toBe(200);
  const metrics = await scrape.text();
  expect(metrics).toContain('sluice_slots{pool="web",server="web-1"} 1');
  expect(metrics).toContain('pool="api"');
  const changes = CLOSED_ROUTES.filter(({ method }) => method !== "GET");
  expect(changes.length).toBeGreaterThan(5);
  for (const { method, path: route } of changes) {
    const { status } = await sluice.admin(method, route.replace("/_sluice", ""), {}, token);
    expect.soft(status, `${method} ${route}`).toBe(403);
  }
});

test("the token for Prometheus is nobody else's to read, also where a file of everybody's was there", async () => {
  const [make = ""] = shown("docs/monitoring.md", "## Metrics");
  for (const isThere of [false, true]) {
    const { path } = await Folder.make();
    const file = join(path, "sluice-token");
    // The usual umask: who runs the tests may have a stricter one.
    type(`umask 022\n${isThere ? "touch sluice-token\n" : ""}${make}`, path);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, "utf8")).toMatch(/^sluice_.+\n$/);
  }
});

test.skipIf(WITHOUT_PROMTOOL)(
  "what docs/monitoring.md shows of a scrape is a configuration to Prometheus",
  async () => {
    const { path } = await Folder.make();
    const [yaml] = fencesOf(read("docs/monitoring.md")).filter(({ language }) => language === "yaml");
    await writeFile(join(path, "sluice-token"), "sluice_a-token\n");
    await writeFile(join(path, "sluice-alerts.yml"), read("monitoring/alerts.yml"));
    const config = (yaml?.text ?? "").replace("/etc/prometheus/sluice-token", join(path, "sluice-token"));
    expect(config).not.toBe(yaml?.text);
    await writeFile(join(path, "prometheus.yml"), config);
    expect(await promtool(["check", "config", join(path, "prometheus.yml")])).toContain("SUCCESS");
  },
);
