import { beforeAll, describe, expect, test } from "vitest";
import { chaos } from "./chaos.ts";
import { CLIENT_KINDS } from "./clients/plan.ts";
import type { Journal, Promised } from "./journal.ts";
import { JOB_FAULTS } from "./plans.ts";
import { cancels, type PoolName } from "./pool.ts";
import { broken, reportLines } from "./report.ts";

/** What comes by the schedule and by checks. */
const OTHER_FAULTS = ["late check", "sick", "early answer", "Cloudflare's 521 and the like"];

/** The same each time, so that no change fails by another's fault; `npm run chaos` draws a new one. CHAOS_SEED=… another. */
const seed = Number(process.env.CHAOS_SEED ?? 11);

describe(`servers that fail in every way, clients that leave, pools and stored requests that crash, and kills (CHAOS_SEED=${seed})`, () => {
  const journals: Journal[] = [];
  beforeAll(async () => {
    // One after the other: several pools at once keep a slow machine so busy that it is late for everything.
    for (const { seconds, isolates, shards = 1, without } of [
      { seconds: 20, isolates: 1, without: ["cancel", "pass"] },
      { seconds: 20, isolates: 1, without: ["finish", "pass"] },
      { seconds: 10, isolates: 2, without: ["finish", "cancel"] },
      { seconds: 10, isolates: 1, shards: 3, without: ["finish", "pass"] },
    ]) {
      const tried = await chaos({ seed, seconds, isolates, shards, without });
      for (const told of tried.stories) console.log(told);
      console.log(reportLines(tried).join("\n"));
      journals.push(...tried.journals);
    }
  }, 280_000);

  const kept = (promise: Promised) => expect(broken(journals, promise)).toBe(0);

  test("no server ever has more requests than slots", () => kept("overlap"));
  test("requests get one server's answer, or a refusal that has a cause", () => kept("lost"));
  test("no server takes a part of a body for all of it", () => kept("half"));
  test("no request that may not be repeated is read twice", () => kept("twice"));
  test("nobody is overtaken by one of the same client who came much later", () => kept("order"));
  test("no client's requests are at more servers than it may have slots", () => kept("limit"));
  test("nobody starves because others send more", () => kept("starved"));
  test("a server that fails its checks gets nothing until it has passed one", () => kept("health"));
  test("no server works while the pool says that it is drained", () => kept("drained"));
  test("no slot is shut for long, and at the end the list is empty and every slot takes a request again", () =>
    kept("slot"));

  test("nobody but its client is told the id of a stored request", () => kept("secret"));

  const journalOf = (pool: PoolName) => journals.find(({ settings }) => settings.pool === pool) as Journal;

  test("the pool in which leases can be passed on has crashed when slots changed hands", () => {
    const { operations } = journalOf("pass");
    expect(operations.get("crash at a hand-over")).toBeGreaterThanOrEqual(1);
  });

  test("objects of a pool that has several have crashed, and were out of reach", () => {
    const { crashes, losses } = journals.find(({ settings }) => settings.shards > 1) as Journal;
    expect(new Set(crashes.map(({ shard }) => shard)).size).toBeGreaterThanOrEqual(2);
    expect(losses.length).toBeGreaterThanOrEqual(1);
  });

  test.for(["finish", "cancel"] as const)("all of this was tried on the pool %s", (pool) => {
    const journal = journalOf(pool);
    expect(journal.operations.get("crash")).toBeGreaterThanOrEqual(5);
    expect(journal.kills.length).toBeGreaterThanOrEqual(1);
    const operations = ["sick server down", "cut", "stop", "visit"];
    expect([...journal.operations.keys()]).toEqual(expect.arrayContaining(operations));
    const stored = [...journal.requests.values()].flatMap((sent) => sent.stored ?? []);
    expect(stored.filter(({ crashes }) => crashes.length > 0).length).toBeGreaterThanOrEqual(5);
    expect([...journal.clients.keys()]).toEqual(expect.arrayContaining(CLIENT_KINDS));
    const faults = [...JOB_FAULTS, ...OTHER_FAULTS, ...(cancels(journal.settings) ? ["stops slowly"] : [])];
    expect([...journal.faults.keys()]).toEqual(expect.arrayContaining(faults));
  });
});
