import { expect, test } from "vitest";
import type { Act, Report } from "../../../src/cli/rehearse/report.ts";
import type { ServerWork } from "../../../src/cli/rehearse/servers.ts";
import { shardsReport } from "../../../src/cli/rehearse/shards.ts";
import { reportView } from "../../../src/cli/rehearse/view.ts";
import { read } from "../../docs/documents.ts";
import { Run } from "../command.ts";

const NOWHERE = "http://127.0.0.1:1";

test("over a pool of several objects nothing is dropped, rejected or lost, and the report says what each did", async () => {
  const run = new Run(["rehearse", "--quick", "--json", "--shards", "6"], { url: NOWHERE });
  const code = await run.code;
  const report = JSON.parse(run.stdout) as Report;
  expect(report.acts.filter(({ result }) => result === "did not hold")).toEqual([]);
  expect({ code, held: report.held }).toEqual({ code: 0, held: true });

  const figures = (name: string) => (report.acts.find((act) => act.name === name) as Act).figures;
  const { sent = 0, ...load } = figures("drain");
  expect(load).toMatchObject({
    answered: sent,
    dropped: 0,
    rejected: 0,
    wrong: 0,
    repeated: 0,
  });
  // As many leave as there are servers, and twice as many are behind them.
  expect(figures("leave-waiting-reset")).toMatchObject({ left: 12, worked: 0 });
  expect(figures("leave-server-reset")).toMatchObject({ left: 12, ended: 12, dropped: 0, overlaps: 0 });
  expect(figures("crash")).toMatchObject({ accepted: 20, answered: 20, lost: 0, repeated: 0, beforeTurn: 0 });

  const { shards } = report.measured;
  expect(shards?.each.map(({ shard, servers }) => [shard, servers])).toEqual(
    [0, 1, 2, 3, 4, 5].map((shard) => [shard, 2]),
  );
  for (const { requests, overlaps } of shards?.each ?? []) {
    expect(requests).toBeGreaterThan(0);
    expect(overlaps).toBe(0);
  }
  const besideRoom = report.assumptions.find(({ name }) => name === "beside-room");
  expect(besideRoom?.measured).toMatch(/ ms$/);

  const documented = read("docs/rehearsal.md");
  const members = [shards, shards?.besideRoom, ...(shards?.each ?? [])].flatMap((one) =>
    Object.keys(one ?? {}),
  );
  expect(members.filter((member) => !documented.includes(`\`${member}`))).toEqual([]);
  const lines = reportView(report, (_, text) => text);
  expect(lines).toContain("The 6 shards, from the resume on");
  expect(lines.find((line) => line.includes("requests under load"))).toMatch(/^held/);
});

/** `server` has one request after another, each with the times at which it began and ended. */
const worksOf = (server: string, ...times: [number, number | null][]): ServerWork[] =>
  times.map(([beganAt, endedAt]) => ({
    server,
    query: `/${server}/${beganAt}`,
    beganAt,
    endedAt,
    digest: "",
  }));

function reportOf(works: ServerWork[], came: Record<string, number> = {}) {
  const inOrder = works.sort((a, b) => a.beganAt - b.beganAt);
  return shardsReport({
    works: inOrder,
    cameAt: new Map(inOrder.map(({ query, beganAt }) => [query, came[query] ?? beganAt])),
    shardOf: new Map([
      ["a", 0],
      ["b", 1],
    ]),
    overlapsAt: new Map([["b", 2]]),
  });
}

test("a request waited beside room for as long as a server of another shard had nothing to do meanwhile", () => {
  const works = [...worksOf("a", [0, 500], [500, 900]), ...worksOf("b", [10, 100], [140, 300])];
  // Of its 400 ms, b was idle for 40 and, after its last request, for 200.
  const waited = reportOf(works, { "/a/500": 100 });
  expect(waited?.besideRoom.longest).toBe(200);
  // Its own server's pauses do not count.
  expect(reportOf(worksOf("a", [0, 10], [400, 500]), { "/a/400": 20 })?.each[0]?.waits.p99).toBe(380);
});

test("one that never ended leaves no room", () => {
  const works = [...worksOf("a", [0, 500], [500, 900]), ...worksOf("b", [0, null])];
  expect(reportOf(works, { "/a/500": 100 })?.besideRoom.longest).toBe(0);
});

test("a wait from before is counted from the first request on", () => {
  expect(reportOf(worksOf("a", [1_000, 1_100], [1_100, 1_200]), { "/a/1100": 20 })?.each[0]?.waits.p99).toBe(
    100,
  );
});

test("requests and overlaps are told by shard", () => {
  const report = reportOf([
    ...worksOf("a", [0, 400], [500, 900], [1_000, 1_400]),
    ...worksOf("b", [10, 100]),
  ]);
  expect(report?.perSecond).toBe(4);
  expect(report?.each).toMatchObject([
    { shard: 0, servers: 1, requests: 3, perSecond: 3, overlaps: 0 },
    { shard: 1, servers: 1, requests: 1, perSecond: 1, overlaps: 2 },
  ]);
});

test("where nothing was seen, nothing is told", () => {
  expect(reportOf([])).toBeNull();
});
