import { describe, expect, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { get, problemOf, stage } from "./support.ts";

type Drain = NonNullable<Snapshot["drain"]>;

async function drainOf(answer: Response | Promise<Response>): Promise<Drain> {
  const response = await answer;
  const { drain } = (await response.json()) as Snapshot;
  if (!drain) throw new Error("not drained");
  return drain;
}

const MINE = { owner: "deploy-42", reason: "a new version" };

describe("a drain again by its owner", () => {
  test("extends it: `expiresAt` moves, `since` and the reason stay", async () => {
    const { sluice } = await stage();
    const first = await drainOf(sluice.drain("web", { ...MINE, expires: "1m" }));
    const second = await drainOf(sluice.drain("web", { owner: MINE.owner, expires: "2m" }));
    expect(second).toEqual({ ...first, expiresAt: second.expiresAt });
    expect(Date.parse(second.expiresAt) - Date.parse(first.expiresAt)).toBeGreaterThanOrEqual(60_000);
    expect((await sluice.snapshot("web")).drain).toEqual(second);
  });

  test("may also shorten it, and give a new reason", async () => {
    const { sluice } = await stage();
    const first = await drainOf(sluice.drain("web", { ...MINE, expires: "1h" }));
    const second = await drainOf(sluice.drain("web", { ...MINE, expires: "1m", reason: "almost done" }));
    expect(second.expiresAt < first.expiresAt).toBe(true);
    expect(second).toMatchObject({ since: first.since, reason: "almost done" });
  });
});

describe("a drain with `extend`", () => {
  test("keeps the owner's drain going", async () => {
    const { sluice } = await stage();
    const first = await drainOf(sluice.drain("web", { ...MINE, expires: "1m" }));
    const second = await drainOf(sluice.drain("web", { owner: MINE.owner, expires: "2m", extend: true }));
    expect(second).toMatchObject({ since: first.since, reason: MINE.reason });
    expect(second.expiresAt > first.expiresAt).toBe(true);
  });

  test("begins none where the owner's was resumed by somebody else", async () => {
    const { sluice } = await stage();
    await sluice.drain("web", MINE);
    await sluice.resume("web", { force: true });
    const response = await sluice.drain("web", { ...MINE, extend: true, wait: "1m" });
    expect([response.status, await response.json()]).toMatchObject([202, { state: "running", drain: null }]);
  });

  test("is refused like any other while somebody else holds the pool", async () => {
    const { sluice } = await stage();
    await sluice.drain("web", { owner: "deploy-43" });
    await problemOf(await sluice.drain("web", { ...MINE, extend: true }), 409, "drain-held");
  });
});

describe("a drain that somebody else holds", () => {
  test("is not taken over: 409 names the holder, and leaves everything as it was", async () => {
    const { sluice } = await stage();
    const held = await drainOf(sluice.drain("web", MINE));
    for (const body of [{ owner: "deploy-43", expires: "1h", wait: "1h" }, {}]) {
      const problem = await problemOf(await sluice.drain("web", body), 409, "drain-held");
      expect(problem).toMatchObject({ pool: "web", drain: held });
      for (const word of [MINE.owner, MINE.reason, held.since, held.expiresAt]) {
        expect(problem.detail).toContain(word);
      }
    }
    expect((await sluice.snapshot("web")).drain).toEqual(held);
  });

  test("is not resumed: 409 names the holder", async () => {
    const { sluice } = await stage();
    const held = await drainOf(sluice.drain("web", MINE));
    for (const body of [{ owner: "deploy-43" }, { owner: "deploy-43", force: false }, {}]) {
      const problem = await problemOf(await sluice.resume("web", body), 409, "drain-held");
      expect(problem).toMatchObject({ pool: "web", drain: held });
    }
    expect((await sluice.snapshot("web")).drain).toEqual(held);
  });

  test("is resumed with `force`", async () => {
    const { sluice } = await stage();
    await sluice.drain("web", MINE);
    const response = await sluice.resume("web", { owner: "deploy-43", force: true });
    expect([response.status, await response.json()]).toMatchObject([200, { state: "running", drain: null }]);
  });

  test("goes to exactly one of two who ask at the same time", async () => {
    const { sluice } = await stage();
    const owners = ["a", "b", "c", "d"];
    const answers = await Promise.all(owners.map((owner) => sluice.drain("web", { owner })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    const { drain } = await sluice.snapshot("web");
    expect(drain?.owner).toBe(owners[answers.findIndex(({ status }) => status === 200)]);
  });
});

describe("resume", () => {
  test("by the owner ends the drain, and the next owner may begin one", async () => {
    const { sluice } = await stage();
    await sluice.drain("web", MINE);
    expect((await sluice.resume("web", { owner: MINE.owner })).status).toBe(200);
    expect(await drainOf(sluice.drain("web", { owner: "deploy-43" }))).toMatchObject({ owner: "deploy-43" });
  });

  test.each([[undefined], [{}], [{ owner: "anybody" }], [{ force: true }]])(
    "of a running pool is 200 and changes nothing: %j",
    async (body) => {
      const { sluice, origin } = await stage();
      const response = await sluice.admin("POST", "/api/pools/web/resume", body);
      expect([response.status, await response.json()]).toEqual([200, await sluice.snapshot("web")]);
      const request = get(sluice, "/");
      (await origin.arrival()).response.end("served");
      expect(await request).toBe("200 served");
    },
  );
});

test("an owner's and a reason's every character comes back as it was given", async () => {
  const { sluice } = await stage();
  const odd = { owner: 'Zoë "☂"\n\u0000<b>\\', reason: "__proto__ 密 \ud800 '; DROP TABLE meta; --" };
  const drain = await drainOf(sluice.drain("web", odd));
  expect(drain).toMatchObject(odd);
  const { detail } = await problemOf(await sluice.drain("web"), 409, "drain-held");
  expect(detail).toContain("Zoë");
  expect((await sluice.resume("web", { owner: odd.owner })).status).toBe(200);
});
