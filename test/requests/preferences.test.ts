import { expect, test } from "vitest";
import { otherPreferences, preferencesOf } from "../../src/requests/preferences.ts";

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
  ["semicolons", `a${";".repeat(16_000)}"`],
  ["spaces", `a${" ".repeat(16_000)}"`],
  ["backslashes", `a="${"\\".repeat(16_000)}`],
  ["quotes", `${'a;x="'.repeat(4_000)}`],
  ["parameters", `a${' ; x=""'.repeat(2_500)}"`],
  ["commas", `${"a,".repeat(8_000)}"`],
])("reads a hostile header of %s in no time", (_, value) => {
  const began = performance.now();
  preferencesOf(prefer(value));
  otherPreferences(prefer(value));
  expect(performance.now() - began).toBeLessThan(200);
});
