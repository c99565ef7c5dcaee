import { describe, expect, test } from "vitest";
import { History } from "../../src/dashboard/page/history.ts";
import { outlookOf } from "../../src/dashboard/page/outlook.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { flowWith } from "../support/snapshots.ts";
import { aPool, aServer, drainedBy, NOW, refused } from "./snapshots.ts";

const adviceOn = (pool: Snapshot, history?: History) =>
  outlookOf(pool, "admin", NOW, history).advice.map(({ weight, text }) => `${weight}: ${text}`);

/** A list that has grown to 60 within a minute. */
function grown(): History {
  const history = new History();
  for (const [seconds, queued] of [
    [60, 0],
    [30, 20],
    [0, 60],
  ] as const)
    history.addSnapshot(aPool({ queued }), NOW - seconds * 1_000);
  return history;
}

const busy = aServer({ inFlight: 1 });
const idle = aServer({ name: "web-2" });
const flows = [flowWith({ queued: 50 }), flowWith({ key: null, queued: 10 })];

describe("a waiting list that one client has most of", () => {
  test("is told with whose requests they are, where it grows", () => {
    expect(adviceOn(aPool({ queued: 60, servers: [busy], flows }), grown())).toEqual([
      "warn: The waiting list grows: 0 → 60 within 1 min. 50 of the 60 that wait are of one flow (4f2a9c01d3e5b768). More comes than the servers finish: add servers or slots, or ask who sends so much for less.",
    ]);
  });

  test("is not blamed on the servers while slots seem free", () => {
    expect(adviceOn(aPool({ queued: 60, servers: [busy, idle], flows }), grown())).toEqual([
      "warn: The waiting list grows: 0 → 60 within 1 min. 50 of the 60 that wait are of one flow (4f2a9c01d3e5b768). Slots seem free meanwhile: max_in_flight_per_flow may hold them back; raise it if one client may have more.",
    ]);
  });

  test.each([
    ["a backup", aServer({ name: "b", backup: true })],
    ["a server that is taken out", aServer({ name: "b", state: "drain" })],
    ["a server of weight 0", aServer({ name: "b", weight: 0 })],
  ])("has no free slot in %s", (_, server) => {
    const [advice] = adviceOn(aPool({ queued: 60, servers: [busy, server], flows }), grown());
    expect(advice).toContain("More comes than the servers finish");
  });

  test("may have less of it by a limit, where others are refused as it is full", () => {
    const recentRefusals = [refused("queue-full", 7)];
    expect(adviceOn(aPool({ queued: 60, servers: [busy], flows, recentRefusals }))).toEqual([
      "bad: 7 requests refused lately (queue-full): the waiting list is full. 50 of the 60 that wait are of one flow (4f2a9c01d3e5b768). Add servers or slots, or raise max_queue. A lower max_queue_per_flow would keep room for other clients.",
    ]);
  });

  test("is nobody's, where no client has most of it", () => {
    const equal = [flowWith({ queued: 30 }), flowWith({ key: null, queued: 30 })];
    expect(adviceOn(aPool({ queued: 60, servers: [busy], flows: equal }), grown())).toEqual([
      "warn: The waiting list grows: 0 → 60 within 1 min. More comes than the servers finish: add servers or slots, or find out who sends so much.",
    ]);
  });
});

describe("requests that are refused as too many of their client's wait", () => {
  const recentRefusals = [refused("flow-queue-full", 7)];

  test("are what the limit is for, and no trouble of the pool", () => {
    expect(adviceOn(aPool({ queued: 60, servers: [busy], flows, recentRefusals }))).toEqual([
      "plain: 7 requests refused lately (flow-queue-full): their clients had as many waiting as max_queue_per_flow allows. 50 of the 60 that wait are of one flow (4f2a9c01d3e5b768). Others are served beside them; raise it if one client may have more.",
    ]);
  });

  test("have piled up where no server takes any, or in a drain", () => {
    const none = [aServer({ health: "down" })];
    for (const [pool, cause] of [
      [aPool({ servers: none, recentRefusals }), /^bad: No server takes requests.*\(flow-queue-full\)/],
      [
        aPool({ ...drainedBy("admin"), recentRefusals }),
        /now is the time for the deploy.*\(flow-queue-full\)/,
      ],
    ] as const)
      expect(adviceOn(pool)).toEqual([expect.stringMatching(cause)]);
  });
});
