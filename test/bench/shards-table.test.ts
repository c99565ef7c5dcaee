import { expect, test } from "vitest";
import { shardsMarkdown } from "../../bench/report/shards.ts";
import { Rows } from "../../bench/rows.ts";
import { addTarget } from "../../bench/targets.ts";

test("the table of several objects has a column for each number of them, and says what of them is wanted", () => {
  const rows = new Rows("shards");
  for (const value of [50, 49, 51]) rows.add("1: requests", "/s", "sluice", value);
  for (const value of [100, 99, 101]) rows.add("8: requests", "/s", "sluice", value);
  rows.add("8: messages a request", "", "sluice", 1);
  addTarget(rows.row("8: requests"), { wanted: "at least 7.2 times", met: false, found: "2.00 times" });
  const machine = { date: "2026-11-28", processor: "two cores", kernel: "Linux", workerd: "2026-11-17" };
  const sections = [{ scenario: "shards", about: "", rows: rows.all, notes: [] }];
  expect(shardsMarkdown({ machine, rounds: 3, sections }).split("\n")).toEqual([
    "2026-11-28, two cores, Linux, workerd 2026-11-17, 3 rounds.",
    "",
    "| objects | 1 | 8 | wanted |",
    "| --- | ---: | ---: | --- |",
    "| requests, /s | 50 <br>49–51 | 100 <br>99–101 | 8: at least 7.2 times: **no**, 2.00 times |",
    "| messages a request |  | 1 |  |",
  ]);
});
