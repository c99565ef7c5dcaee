import { expect, test } from "vitest";
import { type CrashOutcome, crashReportLines, survived } from "../../demo/crash-report.ts";

const clean: CrashOutcome = {
  sent: 100,
  accepted: 100,
  acceptMs: [9, 4.04, 30],
  answered: 100,
  refused: new Map(),
  lost: new Map(),
  repeated: 0,
  rejected: 0,
  beforeTurn: 0,
};

test("a crash without a loss is survived", () => {
  expect(survived(clean)).toBe(true);
});

test.each<[string, Partial<CrashOutcome>]>([
  ["a request that is not accepted", { accepted: 99, answered: 99 }],
  ["a request that is accepted and not answered", { answered: 99 }],
  ["a request that is worked twice", { repeated: 1 }],
  ["a query that a server rejected", { rejected: 1 }],
  ["a request that went before its turn", { beforeTurn: 1 }],
])("with %s it is not", (_, broken) => {
  expect(survived({ ...clean, ...broken })).toBe(false);
});

test("the report is an aligned table", () => {
  expect(crashReportLines(clean)).toEqual([
    "  accepted              100   of 100 sent; 202 after 9.0 ms (median)",
    "  answered              100   byte for byte what its server sent",
    "  lost                    0   must be 0",
    "  worked twice            0   must be 0",
    "  rejected by a server    0   must be 0",
    "  order kept            yes   none began before its turn",
  ]);
});

test("the report says why requests were lost, and how many went before their turn", () => {
  const lost = new Map([
    ["404 unknown-request", 2],
    ["ECONNRESET", 1],
  ]);
  const lines = crashReportLines({ ...clean, answered: 97, lost, beforeTurn: 3 });
  expect(lines).toContain("  lost                    3   2 × 404 unknown-request, 1 × ECONNRESET");
  expect(lines).toContain("  order kept             no   3 began before its turn");
});

test("the report says why requests were not accepted", () => {
  const some = { ...clean, accepted: 98, answered: 98, refused: new Map([["503 deferred-full", 2]]) };
  const none = { ...some, accepted: 0, answered: 0, acceptMs: [] };
  expect(crashReportLines(some)[0]).toMatch(
    / 98 {3}of 100 sent; 202 after 9.0 ms \(median\); 2 × 503 deferred-full$/,
  );
  expect(crashReportLines(none)[0]).toMatch(/ 0 {3}of 100 sent; 2 × 503 deferred-full$/);
});
