import stringWidth from "string-width";
import { expect, test } from "vitest";
import type { ListedRequest } from "../../../src/admin/deferred.ts";
import { deferredView } from "../../../src/cli/terminal/deferred-view.ts";

const plain = (_: string, text: string) => text;
const marked = (format: string, text: string) => `<${format}>${text}</>`;
const NOW = new Date(2026, 10, 21, 9).getTime();
const before = (ms: number) => new Date(NOW - ms).toISOString();
const ID = "5f3a2c1b".padEnd(96, "0");

/** One that waits. */
function requestWith(changes: Partial<ListedRequest> = {}): ListedRequest {
  return {
    id: ID,
    number: 7,
    state: "queued",
    method: "POST",
    path: "/reports",
    acceptedAt: before(60_000),
    startedAt: null,
    endedAt: null,
    attempts: 0,
    status: null,
    code: null,
    ...changes,
  };
}

const ALL = [
  requestWith({
    state: "failed",
    startedAt: before(50_000),
    endedAt: before(48_000),
    attempts: 4,
    status: 502,
    code: "bad-gateway",
  }),
  requestWith({
    number: 8,
    state: "answered",
    startedAt: before(40_000),
    endedAt: before(39_500),
    attempts: 1,
    status: 200,
  }),
  requestWith({ number: 9, state: "running", startedAt: before(5_000) }),
  requestWith({ number: 10 }),
  requestWith({ number: 11, state: "canceled", endedAt: before(30_000) }),
];

test("a table of deferred requests tells what became of each, and in a pipe has their ids whole", () => {
  expect(deferredView(ALL, plain, NOW)).toEqual([
    "NUMBER  STATE     METHOD  PATH      ACCEPTED  WAITED   TOOK  ATTEMPTS  RESULT       ID",
    `     7  failed    POST    /reports  08:59:00    10 s  2.0 s         4  bad-gateway  ${ID}`,
    `     8  answered  POST    /reports  08:59:00    20 s  0.5 s         1  200          ${ID}`,
    `     9  running   POST    /reports  08:59:00    55 s  5.0 s         –  –            ${ID}`,
    `    10  queued    POST    /reports  08:59:00   1 min      –         –  –            ${ID}`,
    `    11  canceled  POST    /reports  08:59:00    30 s      –         0  –            ${ID}`,
  ]);
});

test("on a terminal it has the beginnings of paths and ids, as far as there is room, and fits", () => {
  const path = `/reports/${"x".repeat(200)}`;
  const lines = (width: number) => deferredView([requestWith({ path })], plain, NOW, width);
  expect(lines(140)).toEqual([
    `NUMBER  STATE   METHOD  ${"PATH".padEnd(60)}  ACCEPTED  WAITED  TOOK  ATTEMPTS  RESULT  ID`,
    `     7  queued  POST    ${path.slice(0, 59)}…  08:59:00   1 min     –         –  –       5f3a2c1b…`,
  ]);
  expect(lines(80)).toEqual([
    "NUMBER  STATE   METHOD  PATH              ACCEPTED  WAITED  TOOK  RESULT",
    `     7  queued  POST    ${path.slice(0, 15)}…  08:59:00   1 min     –  –`,
  ]);
  for (const width of [40, 80, 100, 200])
    expect(Math.max(...lines(width).map((line) => stringWidth(line)))).toBeLessThanOrEqual(width);
});

test("one whose slot is lost has no time that grows", () => {
  const [, row] = deferredView([requestWith({ state: "running" })], plain, NOW);
  expect(row).toMatch(/ 08:59:00 +– +– +– +– /);
});

test("failures are red, in state and reason", () => {
  const [, row] = deferredView(ALL, marked, NOW);
  expect(row).toContain("<red>failed</>");
  expect(row).toContain("<red>bad-gateway</>");
});

test("what a client has sent is shown in what no terminal obeys", () => {
  const [, row] = deferredView([requestWith({ path: "/a\u001b[2J\u202eb", method: "P\u0007" })], plain, NOW);
  expect(row).toContain("/a?[2J?b");
  expect(row).toContain("P?");
});
