import { stripVTControlCharacters } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Output } from "../../../src/cli/terminal/output.ts";
import { Reporter } from "../../../src/cli/terminal/reporter.ts";

function terminal(columns: number) {
  const writes: string[] = [];
  const output = { isTTY: true, columns, write: (text: string) => writes.push(text) };
  return { writes, output: output as unknown as Output };
}

const EVENT = { event: "draining" };

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the live line", () => {
  test.each([
    [0, "sluice: web draining: 12 in flight"],
    [20, "sluice: web draini…"],
  ])("on a terminal that says it has %d columns is %j", (columns, line) => {
    vi.stubEnv("TERM", "xterm");
    const { writes, output } = terminal(columns);
    new Reporter(output, false).live(EVENT, "web draining: 12 in flight", "");
    expect(stripVTControlCharacters(writes.join("")).trim()).toBe(line);
  });

  test("is a line for each change, without escape sequences, where the terminal can do no better", () => {
    vi.stubEnv("TERM", "dumb");
    const { writes, output } = terminal(80);
    const reporter = new Reporter(output, false);
    for (const change of ["2 in flight", "2 in flight", "1 in flight"]) reporter.live(EVENT, "…", change);
    reporter.report(EVENT, "done");
    expect(writes).toEqual(["sluice: 2 in flight\n", "sluice: 1 in flight\n", "sluice: done\n"]);
  });
});

describe("where a command may have left a line unfinished", () => {
  test.each([
    ["a terminal", { TERM: "xterm" }, `${" ".repeat(20)}\r\u001b[2Ksluice: one\n`],
    ["a terminal that can do no better", { TERM: "dumb" }, "\nsluice: one\n"],
  ])("one line of ours begins a new one on %s, and the next needs no more", (_, { TERM }, first) => {
    vi.stubEnv("TERM", TERM);
    const { writes, output } = terminal(20);
    const reporter = new Reporter(output, false);
    reporter.share(true);
    reporter.share(false);
    reporter.report(EVENT, "one");
    reporter.report(EVENT, "two");
    expect(writes.join("")).toBe(`${first}sluice: two\n`);
  });

  test("each of ours begins a new one while the command runs", () => {
    vi.stubEnv("TERM", "dumb");
    const { writes, output } = terminal(20);
    const reporter = new Reporter(output, false);
    reporter.share(true);
    for (const words of ["one", "two"]) reporter.report(EVENT, words);
    expect(writes.join("")).toBe("\nsluice: one\n\nsluice: two\n");
  });
});
