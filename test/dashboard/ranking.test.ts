import { expect, test } from "vitest";
import { Ranking } from "../../src/dashboard/page/ranking.ts";
import type { Gravity } from "../../src/words/condition.ts";

const NAMES = ["api", "media", "reports", "web"];

/** The order of the four pools, once they are like this. */
function orderIn(ranking: Ranking, second: number, ...gravities: Gravity[]): string {
  const pools = NAMES.map((name, n) => ({ name, condition: { gravity: gravities[n] ?? "good" } }));
  return ranking
    .order(pools, second * 1_000)
    .map(({ name }) => name)
    .join(" ");
}

test("the gravest come first, and equal ones stay as they are configured", () => {
  const ranking = new Ranking();
  expect(orderIn(ranking, 0, "good", "warn", "bad", "good")).toBe("reports media api web");
  expect(orderIn(new Ranking(), 0)).toBe("api media reports web");
  expect(orderIn(new Ranking(), 0, "bad", "bad", "bad", "bad")).toBe("api media reports web");
});

test("what becomes grave goes up at once", () => {
  const ranking = new Ranking();
  expect(orderIn(ranking, 0, "good", "warn")).toBe("media api reports web");
  expect(orderIn(ranking, 1, "good", "warn", "good", "bad")).toBe("web media api reports");
});

test("what is well again comes down after a while, so that one that flaps does not jump", () => {
  const ranking = new Ranking();
  orderIn(ranking, 0, "good", "good", "good", "bad");
  for (let second = 1; second <= 60; second++) {
    const web = second % 10 === 0 ? "bad" : "good";
    expect(orderIn(ranking, second, "good", "good", "good", web)).toBe("web api media reports");
  }
  expect(orderIn(ranking, 74)).toBe("web api media reports");
  expect(orderIn(ranking, 75)).toBe("api media reports web");
});

test("what is better but not well comes down that far", () => {
  const ranking = new Ranking();
  expect(orderIn(ranking, 0, "good", "warn", "good", "bad")).toBe("web media api reports");
  expect(orderIn(ranking, 20, "good", "warn", "good", "warn")).toBe("media web api reports");
});
