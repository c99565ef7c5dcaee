import { describe, expect, test } from "vitest";
import { exposition } from "../../../src/admin/metrics/exposition.ts";
import { familiesOf } from "../../../src/admin/metrics/families.ts";
import { Counters } from "../../../src/scheduler/record/counters.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { type DeferredSnapshot, snapshotOf } from "../../../src/scheduler/snapshot.ts";
import { settings } from "../../scheduler/settings.ts";
import { promtool } from "../../support/promtool.ts";
import { poolWith, shardWith } from "../../support/snapshots.ts";
import { WITHOUT_PROMTOOL } from "../../support/tools.ts";
import { read, value } from "./samples.ts";

/** Every metric with its type and labels, as documented. */
const CONTRACT = {
  sluice_pool_state: ["gauge", ["pool", "state"]],
  sluice_slots: ["gauge", ["pool", "server"]],
  sluice_in_flight: ["gauge", ["pool", "server"]],
  sluice_quarantined: ["gauge", ["pool", "server"]],
  sluice_server_state: ["gauge", ["pool", "server", "state"]],
  sluice_server_weight: ["gauge", ["pool", "server"]],
  sluice_queue_length: ["gauge", ["pool"]],
  sluice_queue_oldest_seconds: ["gauge", ["pool"]],
  sluice_queue_limit: ["gauge", ["pool"]],
  sluice_queue_timeout_seconds: ["gauge", ["pool"]],
  sluice_deferred: ["gauge", ["pool", "state"]],
  sluice_deferred_oldest_seconds: ["gauge", ["pool"]],
  sluice_server_up: ["gauge", ["pool", "server"]],
  sluice_requests_total: ["counter", ["pool", "code"]],
  sluice_retries_total: ["counter", ["pool", "server"]],
  sluice_abandoned_total: ["counter", ["pool"]],
  sluice_free_requests_total: ["counter", ["pool"]],
  sluice_passed_on_total: ["counter", ["pool"]],
  sluice_drains_total: ["counter", ["pool"]],
  sluice_queue_wait_seconds: ["histogram", ["pool"]],
  sluice_service_seconds: ["histogram", ["pool", "server"]],
} as const;

const DEFERRED = { queued: 3, running: 1, answered: 40, failed: 2, oldestMs: 95_500 };

/** The metrics of a pool after some requests. */
function scraped(
  pool = "web",
  server = "web-1",
  change: (scheduler: Scheduler) => void = () => {},
  deferred: DeferredSnapshot | null = DEFERRED,
  keys: Record<string, unknown> = {},
) {
  const servers = [{ name: "a", url: "http://a.example" }];
  const config = settings({ servers, ...keys });
  for (const one of config.servers) one.name = server;
  const scheduler = new Scheduler(config, null, 0);
  scheduler.enter({ id: "t1" }, 0);
  scheduler.enter({ id: "t2" }, 1_000);
  scheduler.end("t1", { how: "done", status: 200 }, 2_500);
  change(scheduler);
  const snapshot = snapshotOf(pool, scheduler, 3_000, deferred);
  const metrics = { snapshot, counts: scheduler.counters.tell() };
  return exposition(familiesOf([{ pool, metrics }], 3_000));
}

describe("the exposition", () => {
  test.each(Object.entries(CONTRACT))("has %s, with the contract's labels", (name, [type, labels]) => {
    const text = scraped();
    expect(text).toContain(`# TYPE ${name} ${type}\n`);
    const samples = read(text).filter((sample) => sample.family === name);
    expect(samples.length).toBeGreaterThan(0);
    for (const sample of samples) {
      expect(Object.keys(sample.labels).filter((label) => label !== "le")).toEqual(labels);
    }
  });

  test("has nothing else but whether the pool was reached, and what is not always known", () => {
    const families = new Set(read(scraped()).map(({ family }) => family));
    expect([...families].sort()).toEqual([...Object.keys(CONTRACT), "sluice_pool_reachable"].sort());
  });

  test("is of seconds, in buckets that grow from 1 ms to 10 min", () => {
    const text = scraped();
    const wait = (le: string) => value(text, "sluice_queue_wait_seconds_bucket", { le });
    expect([wait("0.001"), wait("1"), wait("2.5"), wait("600"), wait("+Inf")]).toEqual([1, 1, 2, 2, 2]);
    expect(value(text, "sluice_queue_wait_seconds_sum")).toBe(1.5);
    expect(value(text, "sluice_service_seconds_sum", { server: "web-1" })).toBe(2.5);
    expect(value(text, "sluice_service_seconds_count", { server: "web-1" })).toBe(1);
  });

  test("names what has not happened yet, so that its first time is a rise", () => {
    for (const code of ["2xx", "5xx", "queue-full", "bad-gateway", "server-timeout"]) {
      expect(value(scraped(), "sluice_requests_total", { code })).toBe(code === "2xx" ? 1 : 0);
    }
    expect(value(scraped(), "sluice_retries_total", { server: "web-1" })).toBe(0);
  });

  test("has the time that is left of a drain, while there is one", () => {
    const drained = scraped("web", "web-1", (scheduler) => {
      scheduler.drain({ owner: "me", by: "me", reason: null, expiresAt: 63_500 }, 0);
    });
    expect(value(drained, "sluice_drain_expires_seconds")).toBe(60.5);
    expect(value(drained, "sluice_pool_state", { state: "draining" })).toBe(1);
    expect(value(drained, "sluice_pool_state", { state: "running" })).toBe(0);
  });

  test("has the limits of the waiting list, and when it is full if that is known", () => {
    const text = scraped();
    expect(value(text, "sluice_queue_limit")).toBe(1_000);
    expect(value(text, "sluice_queue_timeout_seconds")).toBe(600);
    expect(text).not.toContain("sluice_queue_full_seconds");
    const full = scraped("web", "web-1", (scheduler) => {
      for (let n = 0; n < 1_001; n++) scheduler.enter({ id: `w${n}` }, 2_500);
    });
    expect(value(full, "sluice_queue_full_seconds")).toBe(0);
  });

  test("has the deferred requests by state, and how long the oldest has waited", () => {
    const count = (state: string) => value(scraped(), "sluice_deferred", { state });
    expect(["queued", "running", "answered", "failed"].map(count)).toEqual([3, 1, 40, 2]);
    expect(value(scraped(), "sluice_deferred_oldest_seconds")).toBe(95.5);
  });

  test("has nothing of deferred requests for a pool that stores none", () => {
    expect(scraped("web", "web-1", () => {}, null)).not.toContain("sluice_deferred");
  });

  test("has how many requests wait of the flow of which most do, where clients are told apart", () => {
    const longest = (...flows: string[]) => {
      const enter = (scheduler: Scheduler) => {
        for (const [n, flow] of flows.entries()) scheduler.enter({ id: `w${n}`, flow }, 2_600);
      };
      return scraped("web", "web-1", enter, null, { flow: "address" });
    };
    expect(value(longest(), "sluice_flow_queue_length_max")).toBe(0);
    expect(value(longest("a", "b", "a", "c"), "sluice_flow_queue_length_max")).toBe(2);
    expect(value(longest(), "sluice_requests_total", { code: "flow-queue-full" })).toBe(0);
  });

  test("has nothing of flows for a pool that does not", () => {
    expect(scraped()).not.toMatch(/sluice_flow|flow-queue-full/);
  });

  test("has each shard of a pool that has several: whether it was reached, and how many requests wait there", () => {
    const shards = [
      shardWith({ shard: 0, queued: 3 }),
      shardWith({ shard: 11, reachable: false, queued: 4 }),
    ];
    const metrics = { snapshot: poolWith({ shards }), counts: new Counters().counts };
    const text = exposition(familiesOf([{ pool: "web", metrics }], 0));
    const of = (shard: string) => [
      value(text, "sluice_shard_reachable", { pool: "web", shard }),
      value(text, "sluice_shard_queue_length", { pool: "web", shard }),
    ];
    expect([of("0"), of("11")]).toEqual([
      [1, 3],
      [0, 4],
    ]);
  });

  test("has nothing of shards for a pool that is one object", () => {
    expect(scraped()).not.toContain("shard");
  });

  test("tells of nobody whose a request is", () => {
    const enter = (scheduler: Scheduler) => scheduler.enter({ id: "w", flow: "4f2a9c01d3e5b768" }, 2_600);
    expect(scraped("web", "web-1", enter, null, { flow: "address" })).not.toContain("4f2a9c01d3e5b768");
  });

  test("of a server that is down says so, and of one that is not checked does not", () => {
    const up = (text: string) => value(text, "sluice_server_up");
    expect(up(scraped())).toBe(1);
    const servers = [{ name: "web-1", url: "http://a.example" }];
    const config = settings({ servers, check: { path: "/", fall: 1 } });
    const scheduler = new Scheduler(config, null, 0);
    scheduler.enter({ id: "t1" }, 0);
    scheduler.end("t1", { how: "broken" }, 0);
    const metrics = { snapshot: snapshotOf("web", scheduler, 0), counts: scheduler.counters.tell() };
    expect(up(exposition(familiesOf([{ pool: "web", metrics }], 0)))).toBe(0);
  });

  test("has the state of a server beside its health, each an axis of its own", () => {
    const text = scraped("web", "web-1", (scheduler) => {
      scheduler.changeServer("web-1", { state: "maint" }, "me", 3_000);
    });
    const state = (one: string) => value(text, "sluice_server_state", { server: "web-1", state: one });
    expect([state("ready"), state("drain"), state("maint")]).toEqual([0, 0, 1]);
    expect(value(text, "sluice_server_up")).toBe(1);
  });

  test("has only that of a pool that was not reached", () => {
    const text = exposition(familiesOf([{ pool: "web", metrics: null }], 0));
    expect(read(text)).toEqual([
      { family: "sluice_pool_reachable", name: "sluice_pool_reachable", labels: { pool: "web" }, value: 0 },
    ]);
  });

  const STRANGE = ['a"b', "a\\b", "a\nb", 'a\\"\n', "ä☂ {}=,"];

  test.each(STRANGE)("escapes what a label may not hold: %j", (name) => {
    const text = scraped(name, name);
    expect(value(text, "sluice_slots", { pool: name, server: name })).toBe(1);
    expect(text.split("\n").every((line) => /^(#|sluice_|$)/.test(line))).toBe(true);
  });

  test.skipIf(WITHOUT_PROMTOOL).each(["web", ...STRANGE])("is what Prometheus reads: %j", async (name) => {
    await promtool(
      ["check", "metrics"],
      scraped(name, name, () => {}, DEFERRED, { flow: "address" }),
    );
  });
});
