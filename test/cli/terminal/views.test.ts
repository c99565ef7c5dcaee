import { describe, expect, test } from "vitest";
import { poolHead, poolsView, poolView, serversView } from "../../../src/cli/terminal/views.ts";
import type { Snapshot } from "../../../src/scheduler/snapshot.ts";
import { leaseWith, poolWith, serverWith } from "../../support/snapshots.ts";

const plain = (_: string, text: string) => text;
const marked = (format: string, text: string) => `<${format}>${text}</>`;
const NOW = new Date(2026, 10, 21, 9).getTime();

test("a table of servers tells those with work, trouble or an operator's hand from the others", () => {
  const leases = [
    leaseWith({ since: new Date(NOW - 1_200).toISOString() }),
    leaseWith({ since: new Date(NOW - 65_000).toISOString(), quarantined: true }),
  ];
  const servers = [
    serverWith({
      name: "web-1",
      slots: 2,
      configured: { slots: 2, weight: 1 },
      inFlight: 2,
      quarantined: 1,
      leases,
    }),
    serverWith({
      name: "web-2",
      url: "https://b",
      state: "maint",
      health: "down",
      weight: 10,
      configured: { slots: 1, weight: 10 },
    }),
    serverWith({ name: "web-3", url: "https://c", health: "unchecked", backup: true }),
  ];
  expect(serversView(servers, plain, NOW)).toEqual([
    "SERVER          STATE  HEALTH     IN FLIGHT  QUARANTINED    LONGEST  WEIGHT  URL",
    "web-1           ready  up               2/2            1  1 min 5 s       1  https://web-1.example.com",
    "web-2           maint  down             0/1            0          –      10  https://b",
    "web-3 (backup)  ready  unchecked        0/1            0          –       1  https://c",
  ]);
});

test("a server's slots and weight are told beside the configured ones where an operator has changed them", () => {
  const [, row] = serversView(
    [serverWith({ slots: 4, weight: 2, configured: { slots: 1, weight: 3 } })],
    plain,
    NOW,
  );
  expect(row).toContain("0/4 (configured 1)");
  expect(row).toContain("2 (configured 3)");
});

test("a pool whose servers nobody has checked yet says below them when checks are made", () => {
  const idle = serverWith({ health: "unchecked" });
  const last = (changes: Partial<Snapshot>) => poolView(poolWith(changes), plain, NOW).at(-1);
  const hint = "unchecked: servers are checked while the pool has work";
  expect(last({ servers: [serverWith(), idle] })).toBe(hint);
  for (const changes of [
    {},
    { servers: [idle], checks: false },
    { servers: [{ ...idle, state: "maint" as const }] },
  ])
    expect(last(changes)).not.toBe(hint);
});

test("where a health check has failed, the servers are told with what their last one got", () => {
  const at = new Date(NOW).toISOString();
  const servers = [
    serverWith({ lastCheck: { at, passed: true, got: "status 200" } }),
    serverWith({
      name: "web-2",
      health: "down",
      lastCheck: { at, passed: false, got: "status 503\u001b[2J" },
    }),
    serverWith({ name: "web-3" }),
  ];
  expect(serversView(servers, plain, NOW, 90)).toEqual([
    "SERVER  STATE  HEALTH  IN FLIGHT  LONGEST  LAST CHECK      URL",
    "web-1   ready  up            0/1        –  status 200      https://web-1.example.com",
    "web-2   ready  down          0/1        –  status 503?[2J  https://web-1.example.com",
    "web-3   ready  up            0/1        –  –               https://web-1.example.com",
  ]);
});

test("servers that are down, registered themselves or are to be cut off say so", () => {
  const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString();
  const lastCheck = { at: at(-3), passed: false, got: "status 301" };
  const registered = { by: "autoscaler", since: at(-60), expiresAt: at(65) };
  const servers = [
    serverWith({ health: "down", lastCheck }),
    serverWith({ name: "web-2", url: "https://b", registered }),
    serverWith({ name: "web-3", url: "https://c", state: "drain", cut: { at: at(12), done: false } }),
  ];
  expect(serversView(servers, plain, NOW, 115)).toEqual([
    "SERVER  STATE                    HEALTH  IN FLIGHT  LONGEST  LAST CHECK  REGISTERED      URL",
    "web-1   ready                    down          0/1        –  status 301  –               https://web-1.example.com",
    "web-2   ready                    up            0/1        –  –           until 09:01:05  https://b",
    "web-3   drain, cuts off in 12 s  up            0/1        –  –           –               https://c",
  ]);
});

test("on a narrow terminal the servers are told without what is usual of all of them", () => {
  expect(serversView([serverWith()], plain, NOW, 70)).toEqual([
    "SERVER  STATE  HEALTH  IN FLIGHT  LONGEST  URL",
    "web-1   ready  up            0/1        –  https://web-1.example.com",
  ]);
});

test("a table of pools says how each is, and counts the servers that take requests", () => {
  const servers = [serverWith(), serverWith({ health: "down" }), serverWith({ state: "drain" })];
  const busy = poolWith({ inFlight: 1, slots: 3, queued: 12, oldestWaitMs: 2_100, servers });
  expect(poolsView([busy, poolWith({ name: "api", state: "drained" })], plain)).toEqual([
    "POOL  STATE           IN FLIGHT  QUARANTINED   QUEUED  OLDEST  TIME LEFT  SERVERS",
    "web   1 of 3 servers        1/3            0  12/1000   2.1 s          –      1/3",
    "api   drained               0/1            0   0/1000       –          –      1/1",
  ]);
});

test("a table of pools tells whose drain is on, unless there is no room for it", () => {
  const drain = {
    owner: "deploy-42",
    by: "ci",
    reason: null,
    since: "",
    expiresAt: "",
    cut: null,
    stop: null,
  };
  const pools = [
    poolWith(),
    poolWith({ name: "api", state: "drained", drain: { ...drain, owner: "ci" } }),
    poolWith({ name: "jobs", state: "draining", drain }),
  ];
  expect(poolsView(pools, plain)).toEqual([
    "POOL  STATE     IN FLIGHT  QUARANTINED  QUEUED  OLDEST  TIME LEFT  SERVERS  DRAINED BY",
    "web   running         0/1            0  0/1000       –          –      1/1  –",
    'api   drained         0/1            0  0/1000       –          –      1/1  "ci"',
    'jobs  draining        0/1            0  0/1000       –          –      1/1  "deploy-42" of "ci"',
  ]);
  expect(poolsView(pools, plain, 75)[2]).toBe(
    "api   drained         0/1            0  0/1000       –          –      1/1",
  );
});

test("a table of pools tells deferred requests from those that hold a connection", () => {
  const deferred = { queued: 40, running: 1, answered: 7, failed: 2, oldestMs: 9_000_000 };
  const pools = [
    poolWith({ queued: 45, oldestWaitMs: 2_100, deferred }),
    poolWith({ name: "jobs", queued: 3, deferred: { ...deferred, queued: 3, failed: 0 } }),
    poolWith({ name: "api" }),
  ];
  expect(poolsView(pools, plain)).toEqual([
    "POOL  STATE    IN FLIGHT  QUARANTINED  QUEUED  OLDEST  TIME LEFT      DEFERRED  SERVERS",
    "web   running        0/1            0  5/1000   2.1 s          –  40, 2 failed      1/1",
    "jobs  running        0/1            0  0/1000       –          –             3      1/1",
    "api   running        0/1            0  0/1000       –          –             –      1/1",
  ]);
});

describe("the head of a pool", () => {
  test("has a line for its deferred requests, if it stores some", () => {
    const deferred = { queued: 40, running: 1, answered: 7, failed: 2, oldestMs: 9_000_000 };
    const none = { queued: 0, running: 0, answered: 0, failed: 0, oldestMs: 0 };
    const head = (changes: Partial<Snapshot>) => poolHead(poolWith(changes), plain, NOW);
    expect(head({ queued: 45, oldestWaitMs: 2_100, deferred })).toEqual([
      "web  running  0 of 1 slots in flight · 5 queued, the oldest for 2.1 s",
      "waiting 5 of 1,000 · arrivals 0/s · grants 0/s",
      "waited  p50 – · p95 – · p99 –",
      "served  p50 – · p95 – · p99 –",
      "deferred  40 queued, the oldest for 2 h 30 min · 1 running · 7 answered · 2 failed",
    ]);
    expect(head({ deferred: none }).at(-1)).toBe(
      "deferred  none queued · 0 running · 0 answered · none failed",
    );
    expect(poolHead(poolWith({ deferred }), marked, NOW).at(-1)).toContain("<red>2 failed</>");
  });

  test("says when nobody waits", () => {
    expect(poolHead(poolWith(), plain, NOW)[0]).toBe("web  running  0 of 1 slots in flight · nobody queued");
  });

  test("says who drains it, why and for how long, in what no terminal obeys", () => {
    const drain = {
      owner: "ann\u001b[31m",
      by: "me",
      reason: "new\u0007 disks",
      since: new Date(NOW - 5_000).toISOString(),
      expiresAt: new Date(NOW + 90_000).toISOString(),
      cut: null,
      stop: null,
    };
    const [, drained] = poolHead(poolWith({ state: "drained", drain }), plain, NOW);
    expect(drained).toMatch(
      /^drained by "ann\?\[31m" of "me" \("new\? disks"\) since 08:59:55, ends by itself in 1 min 30 s$/,
    );
  });

  test("says of a stop with which message it refuses, and what is cut off", () => {
    const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString();
    const common = { owner: "ann", by: "ann", reason: null, since: at(-5), expiresAt: at(90) };
    const stop = { message: "Back at\u001b 14:00." };
    const head = (drain: Snapshot["drain"]) =>
      poolHead(poolWith({ state: "stopping", drain }), plain, NOW).slice(1, 3);
    expect(head({ ...common, stop, cut: { at: at(12), done: false } })).toEqual([
      'stopped by "ann" since 08:59:55, ends by itself in 1 min 30 s, cuts off in 12 s',
      'requests are refused with "Back at? 14:00."',
    ]);
    const cut = { at: at(-2), done: true, leases: 1 };
    expect(head({ ...common, stop: null, cut })[0]).toBe(
      'drained by "ann" since 08:59:55, ends by itself in 1 min 30 s, 1 request cut off',
    );
  });

  test("says when servers were asked for, while requests wait and none takes any", () => {
    const lastWake = { at: new Date(NOW - 7_000).toISOString(), got: "status 202" };
    const said = (changes: Partial<Snapshot>) => poolHead(poolWith({ lastWake, ...changes }), plain, NOW);
    const line = "servers were asked for 7.0 s ago: status 202";
    expect(said({ queued: 1, servers: [] })).toContain(line);
    expect(said({ queued: 1, servers: [serverWith({ health: "down" })] })).toContain(line);
    expect(said({ servers: [] })).not.toContain(line);
    expect(said({ queued: 1 })).not.toContain(line);
  });

  test("shows a pool that runs in green, one that does not in yellow, and one in trouble in red", () => {
    const head = (changes: Partial<Snapshot>) => poolHead(poolWith(changes), marked, NOW)[0];
    expect(head({})).toContain("<green>running</>");
    expect(head({ state: "draining" })).toContain("<yellow>draining</>");
    expect(head({ servers: [serverWith({ health: "down" })] })).toContain("<red>no server</>");
    const at = new Date(NOW).toISOString();
    const recentRefusals = [{ code: "queue-full", deferred: false, count: 1, since: at, until: at }];
    expect(head({ recentRefusals })).toContain("<red>refusing</>");
    expect(head({ recentRefusals, state: "drained" })).toContain("<red>drained, refusing</>");
  });
});
