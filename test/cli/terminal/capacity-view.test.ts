import stringWidth from "string-width";
import { expect, test } from "vitest";
import { capacityLines, limitCell, queuedCell } from "../../../src/cli/terminal/capacity-view.ts";
import { poolsView } from "../../../src/cli/terminal/views.ts";
import { poolWith, serverWith } from "../../support/snapshots.ts";

const plain = (_: string, text: string) => text;
const marked = (format: string, text: string) => `<${format}>${text}</>`;

const BUSY = {
  queued: 312,
  oldestWaitMs: 350_000,
  arrivalsPerSecond: 12.38,
  grantsPerSecond: 10,
  waitMs: { p50: 12, p95: 340, p99: 812 },
  serviceMs: { p50: 200, p95: 404, p99: 1_240 },
};
const DRAINED = {
  state: "drained",
  firstTimeoutInMs: 250_000,
  timeLeft: { ms: 250_000, until: "queue-timeout" },
} as const;

test("how full the list is, what comes and goes, and how long it takes have a line each", () => {
  expect(capacityLines(poolWith({ ...BUSY, fullInMs: 289_000 }), plain)).toEqual([
    "waiting 312 of 1,000 · full in about 4 min 50 s · arrivals 12/s · grants 10/s",
    "waited  p50 12 ms · p95 340 ms · p99 812 ms",
    "served  p50 200 ms · p95 404 ms · p99 1.2 s",
  ]);
});

test("in a drain, how long there is left comes first", () => {
  expect(capacityLines(poolWith({ ...BUSY, ...DRAINED, grantsPerSecond: 0 }), plain)).toEqual([
    "time left: 4 min 10 s, then the oldest request is refused (queue_timeout)",
    "waiting 312 of 1,000 · arrivals 12/s · grants 0/s",
    expect.stringContaining("waited"),
    expect.stringContaining("served"),
  ]);
});

test("that the pool's object is its limit comes last, and in yellow", () => {
  const servers = Array.from({ length: 100 }, (_, n) => serverWith({ name: `web-${n}` }));
  const limited = poolWith({ ...BUSY, servers, serviceMs: { p50: 100, p95: 100, p99: 100 } });
  expect(capacityLines({ ...limited, grantsPerSecond: 340 }, marked).at(-1)).toBe(
    "<yellow>set shards = 3: its Durable Object is near its limit, some 350 requests a second on Cloudflare, and the servers could take 880</>",
  );
  expect(capacityLines(limited, marked)).toHaveLength(3);
});

test("what is not known is a dash", () => {
  expect(capacityLines(poolWith({ arrivalsPerSecond: null, grantsPerSecond: null }), plain)).toEqual([
    "waiting 0 of 1,000 · arrivals – · grants –",
    "waited  p50 – · p95 – · p99 –",
    "served  p50 – · p95 – · p99 –",
  ]);
});

test("a list that fills up is yellow, one that is full red", () => {
  const cell = (fullInMs: number) => limitCell(poolWith({ fullInMs }), marked);
  expect([cell(40_000), cell(0)]).toEqual(["<yellow>40 s (full)</>", "<red>none (full)</>"]);
  expect(queuedCell(poolWith({ queued: 3 }), marked)).toBe("<cyan>3</>/1000");
  expect(queuedCell(poolWith({ queued: 3, maxQueue: null }), plain)).toBe("3");
});

test("the table of pools has the time left of each within 80 columns", () => {
  const pools = [
    poolWith({ ...BUSY, ...DRAINED }),
    poolWith({ name: "api", fullInMs: 41_000, queued: 900, oldestWaitMs: 61_000 }),
    poolWith({ name: "jobs" }),
  ];
  const lines = poolsView(pools, plain, 80);
  expect(lines).toEqual([
    "POOL  STATE    IN FLIGHT    QUEUED      OLDEST             TIME LEFT  SERVERS",
    "web   drained        0/1  312/1000  5 min 50 s  4 min 10 s (timeout)      1/1",
    "api   running        0/1  900/1000   1 min 1 s           40 s (full)      1/1",
    "jobs  running        0/1    0/1000           –                     –      1/1",
  ]);
  expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(80);
});
