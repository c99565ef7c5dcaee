import { describe, expect, test } from "vitest";
import { playAffinity } from "../../../bench/model/affinity.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { hashOf } from "../../../src/scheduler/terms/hash.ts";
import type { ServerPatch } from "../../../src/scheduler/terms/rows.ts";
import { DONE, reported } from "../ends.ts";
import { settings } from "../settings.ts";

const KEYS = Array.from({ length: 1_000 }, (_, n) => hashOf(`session-${n}`));
const TEN = Array.from({ length: 10 }, (_, n) => server(`web-${n}`));

function server(name: string, keys: Record<string, unknown> = {}) {
  return { name, url: `http://${name}.example`, ...keys };
}

function poolOf(servers: object[], keys: Record<string, unknown> = {}): Scheduler {
  return new Scheduler(settings({ servers, balance: "hash:cookie:sid", ...keys }), null, 0);
}

let nth = 0;

/** Where a request of this key goes, which is over at once unless `hold`. `null`: it waits. */
function serverFor(pool: Scheduler, hashKey?: number, { hold = false, now = 0 } = {}): string | null {
  const id = `t${nth++}`;
  pool.enter({ id, ...(hashKey === undefined ? {} : { hashKey }) }, now);
  const granted = pool.takeChanges().decisions.find((one) => one.kind === "grant" && one.ticket === id);
  if (granted && !hold) pool.end(id, DONE, now);
  return granted?.kind === "grant" ? granted.slot.server.name : null;
}

const serversFor = (pool: Scheduler, keys = KEYS) => keys.map((key) => serverFor(pool, key) as string);

function change(pool: Scheduler, name: string, patch: ServerPatch): void {
  pool.changeServer(name, patch, "me", 0);
}

function countsOf(names: readonly (string | null)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) if (name !== null) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

describe("the hash of a text", () => {
  test.each([
    ["", 3338908027751811],
    ["a", 7929297801672961],
    ["b", 8684336938537663],
    ["revenge", 4051478007546757],
  ])("of %j is the same in every version", (text, hash) => {
    expect(hashOf(text)).toBe(hash);
  });

  test("is a whole number of 53 bits, and another one for each of 100,000 texts", () => {
    const hashes = Array.from({ length: 100_000 }, (_, n) => hashOf(`user-${n}`));
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashes.every((hash) => Number.isSafeInteger(hash) && hash >= 0)).toBe(true);
  });

  test("uses all of its bits: each is set in half of the hashes", () => {
    const hashes = Array.from({ length: 20_000 }, (_, n) => BigInt(hashOf(String(n))));
    for (let bit = 0n; bit < 53n; bit++) {
      const set = hashes.filter((hash) => (hash >> bit) & 1n).length;
      expect(Math.abs(set - 10_000)).toBeLessThan(500);
    }
  });
});

describe("requests of the same key", () => {
  test("go to the same server, and those of 1,000 keys to all of ten", () => {
    const pool = poolOf(TEN);
    const first = serversFor(pool);
    expect(serversFor(pool)).toEqual(first);
    const counts = Object.values(countsOf(first));
    expect(counts).toHaveLength(10);
    // 100 each, give or take what chance does.
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(50);
  });

  test("go to another one while theirs has no free slot, always the same one, and come back", () => {
    const pool = poolOf(TEN);
    const [key = 0] = KEYS;
    const own = serverFor(pool, key, { hold: true });
    const holder = `t${nth - 1}`;
    const next = serverFor(pool, key);
    expect(next).not.toBe(own);
    expect(serverFor(pool, key, { hold: true })).toBe(next);
    expect([own, next]).not.toContain(serverFor(pool, key));
    pool.end(holder, DONE, 0);
    expect(serverFor(pool, key)).toBe(own);
  });

  test("go to servers in proportion to their weights", () => {
    const servers = [server("a", { weight: 1 }), server("b", { weight: 3 }), server("c", { weight: 6 })];
    const keys = Array.from({ length: 10_000 }, (_, n) => hashOf(`k${n}`));
    const { a = 0, b = 0, c = 0 } = countsOf(serversFor(poolOf(servers), keys));
    expect(Math.abs(a - 1_000)).toBeLessThan(150);
    expect(Math.abs(b - 3_000)).toBeLessThan(200);
    expect(Math.abs(c - 6_000)).toBeLessThan(200);
  });

  test("stay where they are when a server comes, but for those that it gets", () => {
    const before = serversFor(poolOf(TEN));
    const after = serversFor(poolOf([...TEN, server("web-10")]));
    const moved = after.filter((name, n) => name !== before[n]);
    expect(new Set(moved)).toEqual(new Set(["web-10"]));
    expect(Math.abs(moved.length - 1_000 / 11)).toBeLessThan(40);
  });

  test("stay where they are when a weight grows, but for those that its server gets", () => {
    const pool = poolOf(TEN);
    const before = serversFor(pool);
    change(pool, "web-3", { weight: 2 });
    const after = serversFor(pool);
    const moved = after.filter((name, n) => name !== before[n]);
    expect(new Set(moved)).toEqual(new Set(["web-3"]));
  });

  test.each([
    ["drained", { state: "drain" }, { state: "ready" }],
    ["in maintenance", { state: "maint" }, { state: "ready" }],
    ["of weight 0", { weight: 0 }, { weight: 1 }],
  ] as const)("leave a server that is %s, nobody else moves, and all come back", (_, out, back) => {
    const pool = poolOf(TEN);
    const before = serversFor(pool);
    change(pool, "web-3", out);
    const meanwhile = serversFor(pool);
    meanwhile.forEach((name, n) => {
      if (before[n] === "web-3") expect(name).not.toBe("web-3");
      else expect(name).toBe(before[n]);
    });
    // What it had is spread, and not the next server's burden.
    const heirs = meanwhile.filter((_name, n) => before[n] === "web-3");
    expect(new Set(heirs).size).toBeGreaterThan(6);
    change(pool, "web-3", back);
    expect(serversFor(pool)).toEqual(before);
  });

  test("leave a server whose checks fail, and come back once they pass", () => {
    const check = { path: "/up", rise: 1, fall: 1 };
    const pool = poolOf(TEN, { check });
    let now = 0;
    const pass = (failing?: string) => {
      now += 2_000;
      // A few at a time, until all have answered.
      for (let asked = true; asked; ) {
        pool.tick(now);
        const { questions } = pool.takeChanges();
        asked = questions.length > 0;
        for (const one of questions)
          if (one.kind === "check")
            pool.checked(one.id, reported(one.server === failing ? "refused" : "passed"), now);
      }
    };
    const goesTo = () => KEYS.map((key) => serverFor(pool, key, { now }));
    serverFor(pool, undefined, { now });
    pass();
    const before = goesTo();
    pass("web-3");
    const meanwhile = goesTo();
    expect(meanwhile).not.toContain("web-3");
    expect(meanwhile.filter((name, n) => name !== before[n])).toHaveLength(
      before.filter((name) => name === "web-3").length,
    );
    pass();
    pass();
    expect(goesTo()).toEqual(before);
  });

  test("find their server again after it has got another URL, and after a restart of the pool", () => {
    const before = serversFor(poolOf(TEN));
    const moved = TEN.map((one) => ({ ...one, url: `https://10-0-0-${one.name}.internal.example` }));
    expect(serversFor(poolOf(moved.toReversed()))).toEqual(before);
  });

  test("are tried at the next server of their order after theirs has failed them", () => {
    const pool = poolOf(TEN);
    for (const key of KEYS.slice(0, 50)) {
      const own = serverFor(pool, key) as string;
      change(pool, own, { state: "drain" });
      const next = serverFor(pool, key);
      change(pool, own, { state: "ready" });
      const id = `retry-${key}`;
      pool.enter({ id, hashKey: key, retry: { server: own, restMs: 0, avoid: true } }, 0);
      const [decision] = pool.takeChanges().decisions;
      pool.end(id, DONE, 0);
      expect(decision?.kind === "grant" && decision.slot.server.name).toBe(next);
    }
  });

  test("go to a backup only while no other server is available", () => {
    const servers = [server("a"), server("b"), server("spare", { backup: true })];
    const pool = poolOf(servers);
    expect(new Set(serversFor(pool))).toEqual(new Set(["a", "b"]));
    for (const name of ["a", "b"]) change(pool, name, { state: "drain" });
    expect(new Set(serversFor(pool))).toEqual(new Set(["spare"]));
  });
});

test("requests without a key go round robin, by weight", () => {
  const pool = poolOf([server("a", { weight: 2 }), server("b")]);
  const order = Array.from({ length: 6 }, () => serverFor(pool));
  expect(order.join(" ")).toBe("a b a a b a");
});

test("another balance takes no heed of keys", () => {
  const pool = poolOf(TEN, { balance: "first" });
  expect(new Set(serversFor(pool))).toEqual(new Set(["web-0"]));
});

describe("1,000 keys over ten servers, whose requests come at random and take a random time", () => {
  const half = { servers: 10, keys: 1_000, load: 0.5, requests: 50_000 };

  test.each([10, 20])("of %i slots: at half load at least 95 % of each key's find its server", (slots) => {
    const { own, ownOfWorst } = playAffinity({ ...half, slots });
    expect(own).toBeGreaterThanOrEqual(0.95);
    // All keys of a server fare alike, so this says it of every key.
    expect(ownOfWorst).toBeGreaterThanOrEqual(0.95);
  });

  test.each([1, 4, 10])(
    "of %i slots: under more than full load no slot stands idle while a request waits, and nobody is overtaken",
    (slots) => {
      const played = playAffinity({ ...half, slots, load: 1.2, requests: 20_000 });
      expect(played).toMatchObject({ idleWhileWaiting: 0, overtaken: 0 });
    },
  );
});
