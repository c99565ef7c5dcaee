import { describe, expect, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { Sluice } from "../support/sluice.ts";
import { timeless } from "../support/snapshots.ts";
import { ask, get, problemOf, stage } from "./support.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** Nothing is known of the first seconds of a pool's object. */
const NO_RATE = expect.toBeOneOf([null, 0]);
const RATE = expect.toBeOneOf([null, expect.any(Number)]);
const NO_TRAFFIC = {
  ...{ maxQueue: 1_000, queueTimeoutMs: 600_000, arrivalsPerSecond: NO_RATE, grantsPerSecond: NO_RATE },
  ...{ fullInMs: null, firstTimeoutInMs: null, timeLeft: null, waitMs: null, serviceMs: null },
};
const NO_TOTALS = { accepted: 0, completed: 0, refused: {}, retried: 0, abandoned: 0, free: 0, passedOn: 0 };

/** The sum of all outcomes is the number of requests. */
function expectSum({ totals, inFlight, quarantined, queued }: Snapshot): void {
  const { completed, abandoned, refused } = totals;
  const afterAccepting = ["queue-timeout", "bad-gateway", "server-timeout"];
  const refusedLate = afterAccepting.reduce((sum, code) => sum + (refused[code] ?? 0), 0);
  expect(completed + abandoned + refusedLate + inFlight - quarantined + queued).toBe(totals.accepted);
}

describe("a snapshot", () => {
  test("of an idle pool has the contract's shape, and nothing else", async () => {
    const { sluice, origin } = await stage({ slots: 2 });
    expect(await sluice.snapshot("web")).toStrictEqual({
      name: "web",
      state: "running",
      drain: null,
      ...{ inFlight: 0, quarantined: 0, queued: 0, oldestWaitMs: 0, slots: 2, checks: false },
      ...NO_TRAFFIC,
      servers: [
        {
          ...{ name: "web-1", url: origin.url, state: "ready", health: "unchecked", lastCheck: null },
          ...{ stateSince: null, healthSince: null },
          ...{ slots: 2, weight: 1, backup: false },
          ...{ inFlight: 0, quarantined: 0, leases: [] },
        },
      ],
      totals: NO_TOTALS,
      recentRefusals: [],
      revision: { since: expect.stringMatching(ISO), number: expect.any(Number) },
    });
  });

  test("of a busy, draining pool shows leases, queue and drain", async () => {
    const { sluice, origin } = await stage();
    const first = get(sluice, "/first");
    const { response } = await origin.arrival();
    const second = get(sluice, "/second");
    await sluice.until("web", ({ queued }) => queued === 1);
    await sluice.drain("web", { owner: "deploy-42", reason: "a new version" });
    const snapshot = await sluice.until("web", ({ oldestWaitMs }) => oldestWaitMs > 0);
    expect(snapshot).toStrictEqual({
      name: "web",
      state: "draining",
      drain: {
        ...{ owner: "deploy-42", by: "admin", reason: "a new version" },
        since: expect.stringMatching(ISO),
        expiresAt: expect.stringMatching(ISO),
        ...{ cut: null, stop: null },
      },
      ...{ inFlight: 1, quarantined: 0, queued: 1, oldestWaitMs: expect.any(Number) },
      ...{ slots: 1, checks: false },
      ...NO_TRAFFIC,
      ...{ arrivalsPerSecond: RATE, grantsPerSecond: RATE, firstTimeoutInMs: expect.any(Number) },
      timeLeft: { ms: expect.any(Number), until: "queue-timeout" },
      waitMs: { p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) },
      servers: [
        {
          ...{ name: "web-1", url: origin.url, state: "ready", health: "unchecked", lastCheck: null },
          ...{ stateSince: null, healthSince: null },
          ...{ slots: 1, weight: 1, backup: false },
          ...{ inFlight: 1, quarantined: 0 },
          leases: [
            {
              ...{ id: expect.stringMatching(/^.+$/), since: expect.stringMatching(ISO) },
              ...{ quarantined: false },
            },
          ],
        },
      ],
      totals: { ...NO_TOTALS, accepted: 2 },
      recentRefusals: [],
      revision: { since: expect.stringMatching(ISO), number: expect.any(Number) },
    });
    response.end();
    await first;
    expect(await sluice.until("web", ({ inFlight }) => inFlight === 0)).toMatchObject({ state: "drained" });
    await sluice.resume("web", { owner: "deploy-42" });
    (await origin.arrival()).response.end();
    await second;
  });

  test("of a pool with flows shows who waits longest, through a crash of its object", async () => {
    const { sluice, origin } = await stage({ flow: "header:x-api-key" });
    const of = (key: string) => fetch(sluice.url, { headers: { "x-api-key": key } });
    const answers = [of("a")];
    const { response } = await origin.arrival();
    for (const key of ["a", "b", "b"]) {
      const { queued } = await sluice.snapshot("web");
      answers.push(of(key));
      await sluice.until("web", (snapshot) => snapshot.queued === queued + 1);
    }
    const told = ({ flows = [], longestFlow }: Snapshot) => [
      flows.map(({ key, queued, inFlight }) => [key, queued, inFlight]),
      longestFlow,
    ];
    const before = told(await sluice.snapshot("web"));
    const hashed = expect.stringMatching(/^[0-9a-f]{16}$/);
    expect(before).toEqual([
      [
        [hashed, 1, 1],
        [hashed, 2, 0],
      ],
      2,
    ]);
    await sluice.crash("web");
    const { flows, longestFlow } = await sluice.until("web", ({ queued }) => queued === 3);
    // Of two that came in the same moment, either may have waited longer by what their Workers say.
    const byQueued = flows?.toSorted((one, other) => one.queued - other.queued);
    expect(told({ flows: byQueued, longestFlow } as Snapshot)).toEqual(before);
    response.end();
    for (let n = 0; n < 3; n++) (await origin.arrival()).response.end();
    for (const answer of answers) await (await answer).text();
    expect(await sluice.until("web", ({ inFlight }) => inFlight === 0)).toMatchObject({
      flows: [],
      longestFlow: 0,
    });
  });

  test("has totals that add up, whatever became of the requests", async () => {
    const { sluice, origin } = await stage({ max_queue: 1, retries: 0, quarantine: { broken: "0s" } });
    const answers = [get(sluice, "/done")];
    const { response } = await origin.arrival();
    answers.push(get(sluice, "/waits"));
    expectSum(await sluice.until("web", ({ queued }) => queued === 1));
    answers.push(get(sluice, "/one-too-many"));
    await answers[2];
    // workerd repeats a GET by itself if a reused connection breaks (2026-11-17).
    response.writeHead(200, { Connection: "close" }).end("done");
    const broken = await origin.arrival();
    expectSum(await sluice.snapshot("web"));
    broken.response.destroy();
    expect((await Promise.all(answers)).map((answer) => answer.slice(0, 3))).toEqual(["200", "502", "503"]);
    const snapshot = await sluice.until("web", ({ inFlight }) => inFlight === 0);
    expectSum(snapshot);
    const refused = { "queue-full": 1, "bad-gateway": 1 };
    expect(snapshot.totals).toEqual({
      accepted: 2,
      completed: 1,
      refused,
      retried: 0,
      abandoned: 0,
      free: 0,
      passedOn: 0,
    });
  });

  test("shows a quarantined slot as in flight, and who waits for it", async () => {
    const { sluice, origin } = await stage({ server_timeout: "50ms", quarantine: { max: "1h" } });
    expect(await get(sluice, "/silent")).toContain("504");
    const snapshot = await sluice.until("web", ({ quarantined }) => quarantined === 1);
    expect(snapshot).toMatchObject({ state: "running", inFlight: 1, quarantined: 1 });
    expect(snapshot.servers[0]).toMatchObject({
      inFlight: 1,
      quarantined: 1,
      leases: [{ quarantined: true }],
    });
    expect(origin.count).toBe(1);
    expectSum(snapshot);
  });
});

test("/api/pools lists every pool, also those that nobody has asked yet, in the configuration's order", async () => {
  const server = (name: string) => [{ name, url: `http://${name}.example.com` }];
  const pools = {
    web: { servers: server("web-1") },
    constructor: { path_prefix: "/c", slots: 3, servers: server("toString") },
    "api.v2_x-1": { path_prefix: "/api", servers: server("api-1") },
  };
  const sluice = await Sluice.start({ pools });
  try {
    const response = await ask(sluice, { method: "GET", path: "/_sluice/api/pools" });
    expect(response.headers.get("content-type")).toBe("application/json");
    const all = (await response.json()) as { pools: Snapshot[] };
    expect(all).toEqual({ pools: expect.anything(), unreachable: [] });
    expect(all.pools.map(({ name }) => name)).toEqual(Object.keys(pools));
    expect(all.pools.map(({ slots }) => slots)).toEqual([1, 3, 1]);
    expect(timeless(await sluice.snapshot("constructor"))).toEqual(timeless(all.pools[1] as Snapshot));
    expect((await sluice.drain("constructor")).status).toBe(200);
    expect(await sluice.snapshot("web")).toMatchObject({ state: "running" });
  } finally {
    await sluice.stop();
  }
});

test("/api/pools has all pools that can be reached, soon, and the names of the others", async () => {
  const servers = [{ name: "a", url: "http://a.example.com" }];
  const sluice = await Sluice.start({ pools: { web: { servers }, api: { path_prefix: "/api", servers } } });
  try {
    await sluice.losePool("web");
    const begun = Date.now();
    const response = await ask(sluice, { method: "GET", path: "/_sluice/api/pools" });
    expect(Date.now() - begun).toBeLessThan(8_000);
    expect([response.status, await response.json()]).toMatchObject([
      200,
      { pools: [{ name: "api" }], unreachable: ["web"] },
    ]);
    await sluice.losePool("api");
    const none = await problemOf(
      await ask(sluice, { method: "GET", path: "/_sluice/api/pools" }),
      503,
      "pool-unavailable",
    );
    expect(none).not.toHaveProperty("pool");
    await sluice.findPool("web");
    const again = await (await ask(sluice, { method: "GET", path: "/_sluice/api/pools" })).json();
    expect(again).toMatchObject({ pools: [{ name: "web" }], unreachable: ["api"] });
  } finally {
    await sluice.stop();
  }
});
