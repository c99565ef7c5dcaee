/** What the command says to operators who may not do everything. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Sluice } from "../support/sluice.ts";
import { end } from "./end.ts";

const servers = ["web-1", "web-2"].map((name, n) => ({ name, url: `http://127.0.0.1:${8 + n}` }));
const POOLS = {
  web: { servers, deferred: {} },
  api: { path_prefix: "/api/", servers: [{ name: "api-1", url: "http://127.0.0.1:7" }] },
};

const tokenOf = (name: string) => `sluice_the-token-of-${name}-which-is-long`;
const sha256 = (token: string) => createHash("sha256").update(token).digest("hex");
const ENTRIES: [name: string, may: string[], pools?: string[]][] = [
  ["looks", ["look"]],
  ["drains", ["drain"]],
  ["ci", ["look", "drain"], ["web"]],
  ["rolls", ["look", "servers"], ["web"]],
  ["jane", ["*"]],
  ["nobody", ["look"], ["gone"]],
];

let sluice: Sluice;
beforeAll(async () => {
  const tokens = ENTRIES.map(([name, may, pools]) => [
    name,
    { sha256: sha256(tokenOf(name)), may, ...(pools ? { pools } : {}) },
  ]);
  const texts = { ADMIN_TOKENS: JSON.stringify(Object.fromEntries(tokens)) };
  sluice = await Sluice.start({ pools: POOLS, texts });
});
afterAll(() => sluice.stop());
beforeEach(async () => {
  await sluice.resume("web", { force: true });
});

const as = (name: string, ...args: string[]) =>
  end(args, { url: sluice.url, env: { SLUICE_TOKEN: tokenOf(name) } });

const states = async () => {
  const { state, servers } = await sluice.snapshot("web");
  return [state, ...servers.map((server) => server.state)];
};

const refusal = (words: string) => ({ code: 77, stdout: "", stderr: `sluice: ${words}\n` });

describe("a missing right", () => {
  test.each([
    ["looks", ["server", "web", "web-1", "--slots", "2"], "servers", "only look"],
    ["looks", ["deferred", "web", "retry", "0".repeat(96)], "deferred", "only look"],
    ["looks", ["resume", "web"], "drain", "only look"],
    ["drains", ["status", "web"], "look", "only drain"],
    ["rolls", ["deferred", "web", "cancel", "0".repeat(96)], "deferred", "only look, servers"],
  ])(
    "ends it with 77, names who one is and what one may do instead: %s, %j",
    async (name, args, right, only) => {
      expect(await as(name, ...args)).toEqual(
        refusal(`"${name}" does not have the right "${right}" for the pool "web", ${only}.`),
      );
      expect(await states()).toEqual(["running", "ready", "ready"]);
    },
  );

  test("to act on a deferred request is missed by its number too", async () => {
    await sluice.drain("web");
    const headers = { Prefer: "respond-async" };
    expect((await fetch(`${sluice.url}/job`, { method: "POST", headers })).status).toBe(202);
    const list = await as("looks", "deferred", "web", "--json");
    const [{ id, number }] = JSON.parse(list.stdout).requests;
    expect(id).toBeNull();
    expect(await as("looks", "deferred", "web", "cancel", String(number))).toEqual(
      refusal('"looks" does not have the right "deferred" for the pool "web", only look.'),
    );
    expect(await as("jane", "deferred", "web", "cancel", String(number))).toMatchObject({ code: 0 });
  });

  test("for a pool of others says for which pools one has any, and which was meant", async () => {
    expect(await as("ci", "status", "wep")).toEqual(
      refusal(
        '"ci" does not have the right "look" for the pool "wep", only look, drain for web. Did you mean "web"?',
      ),
    );
    expect(await as("ci", "drain", "api")).toEqual(
      refusal('"ci" does not have the right "look" for the pool "api", only look, drain for web.'),
    );
    expect(await as("nobody", "status", "web")).toEqual(
      refusal('"nobody" does not have the right "look" for the pool "web", nor any other.'),
    );
  });

  test("in all pools names no pool", async () => {
    expect(await as("drains", "status")).toEqual(
      refusal('"drains" does not have the right "look", only drain for web; drain for api.'),
    );
  });

  test("is not what a misspelt pool is called where one may look at all", async () => {
    const { code, stderr } = await as("looks", "deploy", "wep", "--", "true");
    expect(code).toBe(64);
    expect(stderr).toContain('There is no pool "wep", only web, api. Did you mean "web"?');
  });
});

describe("before anything is drained", () => {
  test.each([
    ["drains", ["deploy", "web", "--", "echo", "ran"], 'the right "look"', "only drain"],
    ["rolls", ["deploy", "web", "--", "echo", "ran"], 'the right "drain"', "only look, servers"],
    ["ci", ["roll", "web", "--", "echo", "ran"], 'the right "servers"', "only look, drain"],
    ["drains", ["roll", "web", "--", "echo", "ran"], 'the rights "look" and "servers"', "only drain"],
    ["drains", ["drain", "web"], 'the right "look"', "only drain"],
    ["looks", ["drain", "web"], 'the right "drain"', "only look"],
    ["looks", ["stop", "web"], 'the right "drain"', "only look"],
    ["ci", ["drain", "web", "--cut-after", "1s"], 'the right "slots"', "only look, drain"],
    ["ci", ["stop", "web", "--cut-after", "1s"], 'the right "slots"', "only look, drain"],
    [
      "ci",
      ["deploy", "web", "--cut-after", "1s", "--", "echo", "ran"],
      'the right "slots"',
      "only look, drain",
    ],
    [
      "rolls",
      ["roll", "web", "--cut-after", "1s", "--", "echo", "ran"],
      'the right "slots"',
      "only look, servers",
    ],
  ])("%s is told what %j lacks", async (name, args, right, only) => {
    const run = await as(name, ...args);
    expect(run).toMatchObject({ code: 77, stdout: "" });
    expect(run.stderr).toMatch(/^sluice: [^\n]*\n$/);
    expect(run.stderr).toContain(`"${name}" does not have ${right} for the pool "web", ${only}.\n`);
    const { drain, servers } = await sluice.snapshot("web");
    expect([drain, ...servers.map(({ changedBy }) => changedBy)]).toEqual([null, undefined, undefined]);
  });
});

describe("the drain of somebody else", () => {
  test("is told with its owner and who began it", async () => {
    await as("ci", "drain", "web", "--owner", "deploy-42");
    const held = await as("jane", "drain", "web");
    expect(held.code).toBe(76);
    expect(held.stderr).toContain('sluice: pool web: "deploy-42", begun by "ci", drains this pool since ');
    const { stdout } = await as("looks", "status", "web");
    expect(stdout).toContain('\ndrained by "deploy-42" of "ci" since ');
    const all = await as("looks", "status");
    expect(all.stdout).toMatch(/^POOL .* {2}DRAINED BY\nweb .* {2}"deploy-42" of "ci"\napi .* {2}–\n$/);
    const rolled = await as("rolls", "roll", "web", "--", "true");
    expect(rolled.stderr).toContain('sluice: web is drained by "deploy-42" of "ci" since ');
  });

  test("is not ended without the right `force`: it says which right, whose drain it is and when it ends", async () => {
    await as("jane", "drain", "web");
    const { code, stderr } = await as("ci", "resume", "web", "--force");
    expect(code).toBe(77);
    expect(stderr).toMatch(
      /^sluice: "ci" does not have the right "force" for the pool "web", only look, drain\. The drain is of "jane": ask "jane" to resume, or wait until it ends by itself at (\S+ )?\d\d:\d\d:\d\d\.\n$/,
    );
    expect(await states()).toEqual(["drained", "ready", "ready"]);
  });

  const ADVICE =
    /, until .*\. "(ci|drains)" does not have the right "force" to end it all the same: ask "jane" to resume, or wait until it ends by itself at (\S+ )?\d\d:\d\d:\d\d\.\n$/;

  test.each(["ci", "drains"])("is nothing that %s, without `force`, is told to end by it", async (name) => {
    await as("jane", "drain", "web");
    for (const owner of [[], ["--owner", "another"]]) {
      const { code, stderr } = await as(name, "resume", "web", ...owner);
      expect(code).toBe(76);
      expect(stderr).toMatch(ADVICE);
      expect(stderr).not.toContain("--force");
    }
    expect(await states()).toEqual(["drained", "ready", "ready"]);
  });

  test("is told how to be ended to who has the right, and another of one's own to whoever has it", async () => {
    const how = /\. To end it all the same: sluice resume web --force\n$/;
    await as("ci", "drain", "web", "--owner", "deploy-42");
    expect((await as("jane", "resume", "web")).stderr).toMatch(how);
    expect((await as("ci", "resume", "web")).stderr).toMatch(how);
  });

  test("is not ended either by who may not see it, and nothing is said of it", async () => {
    await as("jane", "drain", "web");
    expect(await as("drains", "resume", "web", "--force")).toEqual(
      refusal('"drains" does not have the right "force" for the pool "web", only drain.'),
    );
  });

  test("is ended by who has the right; another of one's own needs none", async () => {
    await as("ci", "drain", "web", "--owner", "deploy-42");
    expect((await as("ci", "resume", "web")).code).toBe(76);
    expect((await as("ci", "resume", "web", "--force")).code).toBe(0);
    await as("ci", "drain", "web");
    expect((await as("jane", "resume", "web", "--force")).code).toBe(0);
    expect(await states()).toEqual(["running", "ready", "ready"]);
  });
});
