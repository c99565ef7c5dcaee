import { expect, test } from "vitest";
import { type Outcome, passed, reportLines } from "../../demo/report.ts";

const clean: Outcome = {
  sent: 960,
  answered: 960,
  dropped: new Map(),
  rejected: 0,
  longestMs: 4231,
  overtaken: 0,
};

test("a rehearsal without a loss passes", () => {
  expect(passed(clean)).toBe(true);
});

test("a dropped request fails the rehearsal", () => {
  expect(passed({ ...clean, answered: 959, dropped: new Map([["ECONNRESET", 1]]) })).toBe(false);
});

test("a request that is neither answered nor known as dropped fails it, too", () => {
  expect(passed({ ...clean, answered: 959 })).toBe(false);
});

test("a query that a server rejected fails it", () => {
  expect(passed({ ...clean, rejected: 1 })).toBe(false);
});

test("an overtaken request fails it", () => {
  expect(passed({ ...clean, overtaken: 1 })).toBe(false);
});

test("the report is an aligned table", () => {
  expect(reportLines(clean)).toEqual([
    "  requests sent            960",
    "  answered                 960",
    "  dropped                    0   must be 0",
    "  rejected by a server       0   must be 0",
    "  longest wait          4.23 s   from sending to the answer's last byte",
    "  order kept               yes   none overtaken by one sent 0.5 s or more later",
  ]);
});

test("the report says why requests were dropped, and how many were overtaken", () => {
  const dropped = new Map([
    ["503 queue-full", 2],
    ["ECONNRESET", 1],
  ]);
  const lines = reportLines({ ...clean, answered: 957, dropped, overtaken: 4 });
  expect(lines).toContain("  dropped                    3   2 × 503 queue-full, 1 × ECONNRESET");
  expect(lines).toContain("  order kept                no   4 overtaken by one sent 0.5 s or more later");
});
