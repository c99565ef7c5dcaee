import { expect, test } from "vitest";
import { titleOf } from "../../src/dashboard/page/title.ts";
import { type Condition, NOT_REACHED } from "../../src/words/condition.ts";

const pool = (name: string, gravity: Condition["gravity"], words: string) => ({
  name,
  condition: { gravity, words },
});
const web = pool("web", "good", "Running");
const media = pool("media", "bad", "No server");
const api = pool("api", "warn", "2 of 3 servers");

test("a pool's title says how it is, and begins with a sign if it is in trouble", () => {
  const all = [web, media, api];
  expect(titleOf(all, "web", true)).toBe("web: running – Sluice");
  expect(titleOf(all, "media", true)).toBe("(!) media: no server – Sluice");
  expect(titleOf(all, "api", true)).toBe("api: 2 of 3 servers – Sluice");
  expect(titleOf([{ name: "web", condition: NOT_REACHED }], "web", true)).toBe(
    "(!) web: not reached – Sluice",
  );
  expect(titleOf(all, "none", true)).toBe("Sluice");
});

test("the overview's names the pool in trouble, or how many are", () => {
  expect(titleOf([web, api], null, true)).toBe("Sluice");
  expect(titleOf([web, media], null, true)).toBe("(!) media: no server – Sluice");
  expect(titleOf([{ ...web, condition: NOT_REACHED }, media], null, true)).toBe(
    "(!) 2 pools in trouble – Sluice",
  );
});

test("without a connection nothing is claimed of any pool", () => {
  expect(titleOf([media], "media", false)).toBe("(?) media: not connected – Sluice");
  expect(titleOf([media], null, false)).toBe("(?) not connected – Sluice");
});
