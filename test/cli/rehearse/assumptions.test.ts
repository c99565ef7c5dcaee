import { describe, expect, test } from "vitest";
import { judge } from "../../../src/cli/rehearse/assumptions.ts";
import { type Act, type Measured, notRun, played, type Report } from "../../../src/cli/rehearse/report.ts";
import { gapsOf, type ServerWork } from "../../../src/cli/rehearse/servers.ts";
import { reportView } from "../../../src/cli/rehearse/view.ts";

const MEASURED: Measured = {
  latency: { through: 30, past: 20, added: 10 },
  slotIdle: { median: 13, p90: 20, gaps: 100 },
  handOvers: { all: 100, passedOn: 0, isolates: 2 },
  roundTrip: { object: 3, pool: 3, server: 3 },
  commit: 6,
  objectRate: 400,
  shards: null,
  isolates: { asked: 20, seen: 2 },
  places: { worker: "FRA", object: "FRA", server: "FRA" },
};

function resultOf(
  name: string,
  measured: Partial<Measured>,
  acts: Act[] = [],
  where: "local" | "deployed" = "deployed",
) {
  return judge(where, { ...MEASURED, ...measured }, acts).find((one) => one.name === name);
}

const held = (holdMs: number, answered: number) =>
  played(`hold-${holdMs / 1_000}s`, "", [], `ended after ${holdMs} ms`, { holdMs, answered });
const longAnswer = (quarantinedMs: number) => played("long-answer", "", [], "", { quarantinedMs });

describe("an assumption", () => {
  test.each([
    ["commit", { commit: 6 }, { commit: 7 }],
    [
      "round-trip-object",
      { roundTrip: { object: 30, pool: 3, server: 3 } },
      { roundTrip: { object: 31, pool: 3, server: 3 } },
    ],
    [
      "compute",
      { slotIdle: { median: 14, p90: 20, gaps: 9 } },
      { slotIdle: { median: 15, p90: 20, gaps: 9 } },
    ],
    ["object-rate", { objectRate: 350 }, { objectRate: 349 }],
    [
      "passed-on",
      { handOvers: { all: 400, passedOn: 360, isolates: 1 } },
      { handOvers: { all: 400, passedOn: 359, isolates: 2 } },
    ],
  ])("%s holds up to what the model plans with, and not beyond", (name, good, bad) => {
    expect(resultOf(name, good)?.result).toBe("held");
    expect(resultOf(name, bad)?.result).toBe("did not hold");
  });

  test("of a free slot of another shard is judged by what nearly all waited, and not of a pool of one object", () => {
    const waited = (p99: number) => ({
      shards: { perSecond: 50, besideRoom: { median: 0, p99, longest: 900 }, each: [] },
    });
    expect(resultOf("beside-room", waited(299))).toMatchObject({ measured: "299.0 ms", result: "held" });
    expect(resultOf("beside-room", waited(300))?.result).toBe("did not hold");
    expect(resultOf("beside-room", {})).toMatchObject({ measured: null, result: "not run" });
  });

  test.each([
    ["compute", { median: 5, p90: 20, gaps: 9 }, { median: 6, p90: 20, gaps: 9 }],
    ["slot-idle", { median: 32, p90: 40, gaps: 9 }, { median: 33, p90: 40, gaps: 9 }],
  ])("%s is judged without the object where most leases are passed on", (name, good, bad) => {
    const handOvers = { all: 100, passedOn: 51, isolates: 1 };
    expect(resultOf(name, { handOvers, slotIdle: good })?.result).toBe("held");
    expect(resultOf(name, { handOvers, slotIdle: bad })?.result).toBe("did not hold");
    const fewer = { ...handOvers, passedOn: 50 };
    expect(resultOf(name, { handOvers: fewer, slotIdle: bad })?.result).toBe("held");
  });

  test("of hand-overs within one isolate shows their share, and judges nothing where none were seen", () => {
    const seen = { handOvers: { all: 412, passedOn: 383, isolates: 1 } };
    expect(resultOf("passed-on", seen)).toMatchObject({ measured: "0.93", result: "held" });
    expect(resultOf("passed-on", { handOvers: null })).toMatchObject({ measured: null, result: "not run" });
  });

  test("of the network is not judged by one machine, whose figure is shown", () => {
    const { result, measured } = resultOf("commit", { commit: 70 }, [], "local") ?? {};
    expect({ result, measured }).toEqual({ result: "not run", measured: "70.0 ms" });
  });

  test.each([
    ["the hold of 5 minutes was answered", "holds", held(300_000, 1), "held"],
    ["the hold of 5 minutes was not", "holds", held(300_000, 0), "did not hold"],
    ["the hold of 8 minutes was cut off", "idle-close", held(480_000, 0), "held"],
    ["the hold of 8 minutes was answered", "idle-close", held(480_000, 1), "did not hold"],
    ["no hold was that long", "idle-close", held(300_000, 1), "not run"],
    ["the slot went to quarantine after 31 s", "watched", longAnswer(31_000), "held"],
    ["the slot went to quarantine after 5 s", "watched", longAnswer(5_000), "did not hold"],
    ["no answer was long", "watched", notRun("long-answer", "", "--quick"), "not run"],
  ])("where %s: %s", (_, name, act, result) => {
    expect(resultOf(name, {}, [act])?.result).toBe(result);
  });
});

test("the report says what the model makes of the share of hand-overs within one isolate", () => {
  const measured = { ...MEASURED, handOvers: { all: 400, passedOn: 360, isolates: 1 } };
  const report: Report = { where: "deployed", url: "", held: true, acts: [], measured, assumptions: [] };
  const lines = reportView(report, (_, text) => text).filter((line) => line.includes("within one isolate"));
  expect(lines).toEqual([expect.stringContaining("0.90   of 400; 1 isolate answered;")]);
  // A tenth of the way from 5 ms to 14.
  expect(lines[0]).toContain("by the model 5.9 ms idle, all near, and 0.10 rows a request");
});

test("a server is idle from the end of one request to the begin of its next, whatever others do between", () => {
  const work = (server: string, beganAt: number, endedAt: number | null): ServerWork => ({
    server,
    beganAt,
    endedAt,
    query: "",
    digest: "",
  });
  const works = [
    work("a", 0, 10),
    work("b", 5, null),
    work("a", 13, 20),
    work("b", 30, 40),
    work("a", 27, 30),
  ];
  expect(gapsOf(works)).toEqual([3, 7]);
});
