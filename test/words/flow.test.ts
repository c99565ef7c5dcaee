import { describe, expect, test } from "vitest";
import type { FlowSnapshot } from "../../src/scheduler/snapshot.ts";
import { crowdOf, flowName, shareWords } from "../../src/words/flow.ts";
import { flowWith } from "../support/snapshots.ts";

test("a flow is named as in the log, and the one of requests without a key says so", () => {
  expect(flowName(flowWith({ key: "4f2a9c01d3e5b768" }))).toBe("4f2a9c01d3e5b768");
  expect(flowName(flowWith({ key: null }))).toBe("no key");
});

test.each([
  [0, "0 %"],
  [0.005, "1 %"],
  [0.42, "42 %"],
  [1, "100 %"],
])("a share of %d is %s", (share, words) => {
  expect(shareWords(share)).toBe(words);
});

describe("a crowd", () => {
  const waiting = (...counts: number[]): FlowSnapshot[] =>
    counts.map((queued, n) => flowWith({ key: `${n}`, queued }));

  test("is the flow that more than half of the requests that wait belong to, or all", () => {
    expect(crowdOf({ queued: 9, flows: waiting(9) })?.key).toBe("0");
    expect(crowdOf({ queued: 9, flows: waiting(1, 5, 3) })?.key).toBe("1");
  });

  test.each([
    ["that does not tell clients apart", { queued: 9 }],
    ["in which nobody waits", { queued: 0, flows: waiting(0) }],
    ["in which hardly anybody waits", { queued: 4, flows: waiting(4) }],
    ["in which no flow has more than half", { queued: 10, flows: waiting(5, 5) }],
  ])("is not in a pool %s", (_, pool) => {
    expect(crowdOf(pool)).toBeNull();
  });
});
