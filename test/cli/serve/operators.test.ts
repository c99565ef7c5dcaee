import { createHash } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Run } from "../command.ts";
import { Project, Served } from "./support.ts";

const POOLS = { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } };
const CI = "sluice_the-token-of-ci-which-is-long";
const OFF =
  "so the admin side is off and nobody can drain: put an ADMIN_TOKEN into .dev.vars or the environment";

const digestOf = (token: string) => createHash("sha256").update(token).digest("hex");
const TOKENS = { ci: { sha256: digestOf(CI), may: ["look"], pools: ["web"] } };
const ACCESS = { team: "acme.cloudflareaccess.com", aud: "4714c135", people: [{ group: "ops", may: ["*"] }] };

async function projectWith(devVars: string | null, vars: object = {}): Promise<Project> {
  const project = await Project.make(POOLS, { vars: { POOLS, ...vars } });
  const file = join(project.path, ".dev.vars");
  if (devVars === null) await rm(file);
  else await writeFile(file, devVars);
  return project;
}

/** The status of a look at the pool, with this token. */
async function look({ url }: Served, token: string): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` };
  return (await fetch(`${url}/_sluice/api/pools/web`, { headers })).status;
}

describe("sluice serve knows the operators", () => {
  test("of ADMIN_TOKENS in .dev.vars, on several lines too, and says nothing of an admin side that is on", async () => {
    const json = JSON.stringify(TOKENS, null, 2);
    const served = await (await projectWith(`ADMIN_TOKENS='${json}'\n`)).serve();
    expect([await look(served, CI), await look(served, "somebody-elses-token")]).toEqual([200, 401]);
    expect(served.run.stderr).toMatch(/^sluice: serves [^\n]*\n$/);
  });

  test("of ADMIN_TOKENS in the environment, which precedes the file", async () => {
    const project = await projectWith("ADMIN_TOKENS={}\n");
    const env = { ADMIN_TOKENS: JSON.stringify(TOKENS) };
    const run = new Run(["serve", "--listen", "127.0.0.1:0"], { url: "", cwd: project.path, env });
    await run.printed("sluice: serves");
    const [url = ""] = /http:\S+:\d+/.exec(run.stderr) ?? [];
    expect(await look(new Served(run, url), CI)).toBe(200);
  });

  test("of the variables ADMIN_TOKENS and ACCESS, as on Cloudflare", async () => {
    const byToken = await (await projectWith(null, { ADMIN_TOKENS: TOKENS })).serve();
    expect(await look(byToken, CI)).toBe(200);
    const byAccess = await (await projectWith(null, { ACCESS })).serve();
    // Off it would be 503.
    expect(await look(byAccess, CI)).toBe(401);
    expect(byAccess.run.stderr).toMatch(/^sluice: serves [^\n]*\n$/);
  });
});

describe("sluice serve says at its start", () => {
  test("that nobody can drain where no token is right, and why", async () => {
    const wrong = { ci: { sha256: "none", may: ["look"] } };
    const served = await (await projectWith(`ADMIN_TOKENS=${JSON.stringify(wrong)}\n`)).serve();
    await served.run.printed(`sluice: ADMIN_TOKENS has an error, ${OFF}\n`);
    expect(served.run.stderr).toContain(
      "sluice: warning: ADMIN_TOKENS.ci.sha256: is neither a SHA-256 digest nor a list of one or two",
    );
    expect(await look(served, CI)).toBe(503);
  });

  test("which token opens nothing while others do", async () => {
    const some = { ...TOKENS, jane: { sha256: "hunter2-hunter2-hunter2", may: ["look"] } };
    const served = await (await projectWith(`ADMIN_TOKENS=${JSON.stringify(some)}\n`)).serve();
    await served.run.printed(
      "sluice: warning: ADMIN_TOKENS.jane.sha256: is neither a SHA-256 digest nor a list of one or two",
    );
    expect(served.run.stderr).not.toContain(OFF);
    expect(served.run.stderr).not.toContain("hunter2");
    expect(await look(served, CI)).toBe(200);
  });

  test("what is wrong with ACCESS, and does not start, as `sluice check` finds an error there", async () => {
    const run = (await projectWith(null, { ACCESS: { ...ACCESS, team: "acme" } })).run();
    expect(await run.code).toBe(1);
    expect(run.stderr).toContain('error: vars.ACCESS.team: "acme" is not a team\'s domain');
  });
});
