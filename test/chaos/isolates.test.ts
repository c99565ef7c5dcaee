import { beforeAll, describe, expect, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { planKills } from "./kills.ts";
import { drawSettings, POOLS, passesOn } from "./pool.ts";
import { Random } from "./random.ts";
import { Runtime } from "./runtime.ts";
import { Spread } from "./spread.ts";

describe("isolates in front of the same objects", () => {
  let origin: Origin;
  let runtime: Runtime;
  beforeAll(async () => {
    origin = await Origin.start();
    const servers = [{ name: "web-1", url: origin.url }];
    runtime = await Runtime.start({ pools: { web: { servers, quarantine: { max: "1ms" } } } }, 3);
    return async () => {
      await runtime.stop();
      await origin.stop();
    };
  });

  /** Resolves with the answer's text; with `null` if the connection was cut. */
  async function get(isolate: number, path: string): Promise<string | null> {
    const { url } = await runtime.isolate(isolate);
    return fetch(url + path).then(
      (response) => response.text(),
      () => null,
    );
  }

  /** Answers the next request, and resolves with its path. */
  async function answer(): Promise<string | undefined> {
    const { request, response } = await origin.arrival();
    response.end(`${request.url}`);
    return request.url;
  }

  const untilQueued = async (count: number) => {
    const sluice = await runtime.sluice();
    return sluice.until("web", ({ queued }) => queued === count);
  };

  test("wait in one line", async () => {
    const first = get(1, "/first");
    const { request, response } = await origin.arrival();
    expect(request.url).toBe("/first");
    const second = get(2, "/second");
    await untilQueued(1);
    const third = get(0, "/third");
    await untilQueued(2);
    response.end("/first");
    expect([await answer(), await answer()]).toEqual(["/second", "/third"]);
    expect(await Promise.all([first, second, third])).toEqual(["/first", "/second", "/third"]);
  });

  test("die alone, with what waits in them, and the others go on", async () => {
    // In a drain each that waits gets its handle at once, by whose end the pool knows that it is gone.
    await (await runtime.sluice()).drain("web", { owner: "test" });
    const gone = get(2, "/gone");
    await untilQueued(1);
    const next = get(1, "/next");
    await untilQueued(2);
    await runtime.restart([2]);
    expect(await gone).toBeNull();
    await untilQueued(1);
    await (await runtime.sluice()).resume("web", { owner: "test" });
    expect(await answer()).toBe("/next");
    expect(await next).toBe("/next");
    const again = get(2, "/again");
    expect(await answer()).toBe("/again");
    expect(await again).toBe("/again");
  });

  test("outlive the objects, and keep their slots", async () => {
    const held = get(1, "/held");
    const { response } = await origin.arrival();
    const count = origin.count;
    await runtime.restart([0]);
    const next = get(2, "/next");
    await untilQueued(1);
    expect(origin.count).toBe(count);
    response.end("/held");
    expect(await answer()).toBe("/next");
    expect(await Promise.all([held, next])).toEqual(["/held", "/next"]);
  });

  test("crash with the objects when a slot changes hands, and a slot is lost by neither", async () => {
    for (const when of ["before", "after"] as const) {
      const [held, next] = [get(1, `/held ${when}`), get(1, `/next ${when}`)];
      const { response } = await origin.arrival();
      const hasCrashed = await (await runtime.sluice()).planCrashAtHandOver("web", when);
      response.end("held");
      expect(await hasCrashed()).toBe(true);
      (await origin.arrival()).response.end("next");
      expect(await Promise.all([held, next])).toHaveLength(2);
    }
  });
});

const forMs = 120_000;

describe("where requests come to", () => {
  const at = (spread: Spread) => {
    const moments = Array.from({ length: forMs / 500 }, (_, n) => 500 * n);
    return moments.map((moment) => {
      const isolates = Array.from({ length: 40 }, (_, n) => spread.isolateOf(`web-${moment}-${n}`, moment));
      return new Set(isolates).size;
    });
  };

  test("one isolate gets all of them", () => {
    expect(new Set(at(new Spread(new Random(7), 1, forMs)))).toEqual(new Set([1]));
  });

  test("of several, one alone gets them for a while, and then all do", () => {
    const counts = at(new Spread(new Random(7), 3, forMs));
    expect(counts.filter((count) => count === 1).length).toBeGreaterThan(counts.length / 3);
    expect(counts.filter((count) => count === 3).length).toBeGreaterThan(counts.length / 10);
  });

  test("the seed decides it", () => {
    const drawn = (seed: number) =>
      Array.from({ length: 100 }, (_, n) =>
        new Spread(new Random(seed), 4, forMs).isolateOf(`${n}`, 600 * n),
      );
    expect(drawn(7)).toEqual(drawn(7));
    expect(drawn(7)).not.toEqual(drawn(8));
  });
});

describe("kills", () => {
  test("of one isolate are of all there is", () => {
    const kills = planKills(new Random(7), forMs, 1);
    expect(kills.length).toBeGreaterThan(1);
    expect(kills.every(({ isolates, frees }) => isolates.join() === "0" && frees)).toBe(true);
  });

  test("hit each isolate alone, and all together at the same moments as one", () => {
    const kills = planKills(new Random(7), 10 * forMs, 2);
    expect(new Set(kills.map(({ isolates }) => isolates.join()))).toEqual(new Set(["0", "1", "0,1"]));
    const whole = kills.filter(({ isolates }) => isolates.length === 2).map(({ atMs }) => atMs);
    expect(whole).toEqual(planKills(new Random(7), 10 * forMs, 1).map(({ atMs }) => atMs));
  });
});

test("in every run there is a pool in which leases can be passed on", () => {
  for (let seed = 0; seed < 100; seed++) {
    const all = POOLS.map((pool) => drawSettings(new Random(seed).fork(pool), pool, []));
    expect(all.filter(({ pool }) => pool === "pass").every(passesOn)).toBe(true);
  }
});
