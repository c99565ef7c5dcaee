import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import { otherPreferences, patienceOf, preferencesOf } from "../../src/requests/preferences.ts";

const prefer = (value: string) => new Headers({ Prefer: value });

test.each([
  ["respond-async", { respondAsync: true, waitMs: null }, null],
  ["respond-async, wait=20", { respondAsync: true, waitMs: 20_000 }, null],
  ["Respond-Async;foo=bar , WAIT = 5", { respondAsync: true, waitMs: 5_000 }, null],
  ['wait="7", wait=8', { respondAsync: false, waitMs: 7_000 }, null],
  ["wait=99999", { respondAsync: false, waitMs: 300_000 }, null],
  ["wait=soon, wait", { respondAsync: false, waitMs: null }, null],
  ["return=minimal; a=b, respond-async", { respondAsync: true, waitMs: null }, "return=minimal; a=b"],
  [
    'x="a, respond-async; \\", wait=3", y',
    { respondAsync: false, waitMs: null },
    'x="a, respond-async; \\", wait=3", y',
  ],
  [",, respond-async,,", { respondAsync: true, waitMs: null }, null],
  ['a="open, respond-async', { respondAsync: false, waitMs: null }, 'a="open, respond-async'],
  ["", { respondAsync: false, waitMs: null }, null],
])("reads %j", (value, preferences, others) => {
  expect(preferencesOf(prefer(value))).toEqual(preferences);
  expect(otherPreferences(prefer(value))).toEqual(others);
});

test.each([
  ["wait=0", 0],
  ["respond-async, Wait = 20; x", 20_000],
  ["wait=400", 400_000],
  ["wait=999999999", 999_999_999_000],
  ["wait=7, wait=8", 7_000],
  ["wait=soon, wait=8", null],
  ["wait=1.5", null],
  ["wait=-1", null],
  ["wait", null],
  ["", null],
])("takes from %j how long a client would wait for a slot, without a limit", (value, patienceMs) => {
  expect(patienceOf(prefer(value))).toBe(patienceMs);
});

/** So long that one who goes over it again and again never comes to its end. */
const LENGTH = 1_000_000;

test.each([
  ["semicolons", `a${";".repeat(LENGTH)}"`],
  ["spaces", `a${" ".repeat(LENGTH)}"`],
  ["backslashes", `a="${"\\".repeat(LENGTH)}`],
  ["quotes", `${'a;x="'.repeat(LENGTH / 5)}`],
  ["parameters", `a${' ; x=""'.repeat(LENGTH / 7)}"`],
  ["commas", `${"a,".repeat(LENGTH / 2)}"`],
])("comes to the end of a hostile header of %s", async (_, value) => {
  const reader = new Worker(fileURLToPath(import.meta.resolve("./preferences-reader.ts")), {
    workerData: value,
  });
  onTestFinished(() => void reader.terminate());
  const [[preferences]] = await once(reader, "message");
  expect(preferences).toEqual({ respondAsync: false, waitMs: null });
});
