import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { ask, BEARER, IDLE_POOLS, problemOf } from "./support.ts";

const CI = "the-token-of-ci-which-is-long";
const JANE = "the-token-of-jane-which-is-long";
const sha256 = (token: string) => createHash("sha256").update(token).digest("hex");
const ADMIN_TOKENS = JSON.stringify({
  ci: { sha256: sha256(CI), may: ["look", "drain"] },
  jane: { sha256: sha256(JANE), may: ["look", "drain", "force"] },
});

let sluice: Sluice;
beforeAll(async () => {
  sluice = await Sluice.start({ pools: IDLE_POOLS, texts: { ADMIN_TOKENS } });
});
afterAll(() => sluice.stop());
afterEach(() => sluice.resume("web", { force: true }));

type Act = "drain" | "resume";
const as = (token: string) => ({ Authorization: `Bearer ${token}` });
const asUser = (user: string) => ({
  Authorization: `Basic ${Buffer.from(`${user}:${TOKEN}`).toString("base64")}`,
});

function act(headers: Record<string, string>, what: Act, body: object = {}): Promise<Response> {
  const route = { method: "POST", path: `/_sluice/api/pools/web/${what}` };
  return ask(sluice, route, headers, JSON.stringify(body));
}

async function drainAfter(response: Response): Promise<Snapshot["drain"]> {
  expect(response.ok).toBe(true);
  return ((await response.json()) as Snapshot).drain;
}

describe("a drain", () => {
  test.each([
    ["a named token", as(CI), "ci"],
    ["ADMIN_TOKEN", BEARER, "admin"],
    ["ADMIN_TOKEN with a user's name", asUser("zoë"), "zoë"],
  ])("is that of who asks: %s", async (_, headers, name) => {
    expect(await drainAfter(await act(headers, "drain"))).toMatchObject({ owner: name, by: name });
    expect(await drainAfter(await act(headers, "resume"))).toBeNull();
  });

  test("has the owner that the request names, and still who asked", async () => {
    const drain = await drainAfter(await act(as(CI), "drain", { owner: "deploy-42" }));
    expect(drain).toMatchObject({ owner: "deploy-42", by: "ci" });
  });

  test("of one user of ADMIN_TOKEN is not the other's", async () => {
    await act(asUser("jane"), "drain");
    const { detail } = await problemOf(await act(asUser("joe"), "drain"), 409, "drain-held");
    expect(detail).toContain('"jane" drains this pool');
    await problemOf(await act(asUser("joe"), "resume"), 409, "drain-held");
    expect(await drainAfter(await act(asUser("jane"), "resume"))).toBeNull();
  });
});

describe("a drain of somebody else", () => {
  test("is not to be had by naming its owner: neither extended, shortened nor resumed", async () => {
    const held = await drainAfter(await act(as(JANE), "drain", { owner: "deploy-42", expires: "1h" }));
    for (const body of [
      { owner: "deploy-42", expires: "1ms" },
      { owner: "deploy-42", extend: true },
    ]) {
      const problem = await problemOf(await act(as(CI), "drain", body), 409, "drain-held");
      expect(problem).toMatchObject({ drain: held });
      expect(problem.detail).toContain('"deploy-42", begun by "jane", drains this pool');
    }
    await problemOf(await act(as(CI), "resume", { owner: "deploy-42" }), 409, "drain-held");
    expect((await sluice.snapshot("web")).drain).toEqual(held);
  });

  test("is not ended by force without the right, and the answer names it", async () => {
    const held = await drainAfter(await act(as(JANE), "drain"));
    const problem = await problemOf(await act(as(CI), "resume", { force: true }), 403, "forbidden");
    expect(problem).toMatchObject({ right: "force", pool: "web" });
    expect((await sluice.snapshot("web")).drain).toEqual(held);
  });

  test("is ended by force with the right", async () => {
    await act(as(CI), "drain", { owner: "deploy-42" });
    expect(await drainAfter(await act(as(JANE), "resume", { force: true }))).toBeNull();
  });
});

describe("another drain of one's own", () => {
  test("is ended by force, without the right to end those of others", async () => {
    await act(as(CI), "drain", { owner: "deploy-42" });
    await problemOf(await act(as(CI), "resume"), 409, "drain-held");
    expect(await drainAfter(await act(as(CI), "resume", { force: true }))).toBeNull();
  });
});

test("a running pool is resumed by everybody who may drain, with force or without", async () => {
  for (const body of [{}, { force: true }])
    expect(await drainAfter(await act(as(CI), "resume", body))).toBeNull();
});

test("a server says who has changed it last", async () => {
  const patch = (headers: Record<string, string>, body: object) =>
    ask(
      sluice,
      { method: "PATCH", path: "/_sluice/api/pools/web/servers/web-1" },
      headers,
      JSON.stringify(body),
    );
  await patch(asUser("jane"), { state: "maint" });
  expect((await sluice.snapshot("web")).servers[0]).toMatchObject({ state: "maint", changedBy: "jane" });
  await patch(BEARER, { state: "ready" });
  expect((await sluice.snapshot("web")).servers[0]).toMatchObject({ state: "ready", changedBy: "admin" });
});
