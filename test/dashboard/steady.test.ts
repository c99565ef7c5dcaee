import { expect, test } from "vitest";
import { longest } from "../../src/dashboard/page/steady.ts";

test.each([
  ["web-2 is down, for 9 s.", "web-2 is down, for 88 min 88 s."],
  [
    "for 3 min 5 s · ends by itself at 9:00:07, in 320 ms",
    "for 88 min 88 s · ends by itself at 9:00:07, in 88 min 88 s",
  ],
  ["Now 7 requests; most 1,234 requests.", "Now 888 requests; most 8,888 requests."],
  ["grows: 8 → 99 within 1.5 s", "grows: 888 → 888 within 88 min 88 s"],
  ["up for 30 days", "up for 88 min 88 s"],
  ["“deploy-42”: release v2", "“deploy-42”: release v2"],
  ["none", "none"],
])("the longest that %j may become is %j", (text, most) => {
  expect(longest(text)).toBe(most);
});
