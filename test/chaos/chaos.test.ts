import { beforeAll, describe, expect, test } from "vitest";
import { chaos } from "./chaos.ts";
import type { Promised } from "./journal.ts";
import { FAULTS } from "./plans.ts";
import { broken, reportLines } from "./report.ts";

/** CHAOS_SEED=… replays what a failed run tried. */
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000));

describe(`servers that fail in every way, clients that leave, and a pool that crashes (CHAOS_SEED=${seed})`, () => {
  let tried: Awaited<ReturnType<typeof chaos>>;
  beforeAll(async () => {
    tried = await chaos({ seed, seconds: 20 });
    for (const told of tried.stories) console.log(told);
    console.log(reportLines(tried).join("\n"));
  }, 150_000);

  const kept = (promise: Promised) => expect(broken(tried.journal, promise)).toBe(0);

  test("no server ever has more requests than slots", () => kept("overlap"));
  test("requests get one server's answer, or a refusal that has a cause", () => kept("lost"));
  test("no request that may not be repeated is read twice", () => kept("twice"));
  test("no server works while the pool says that it is drained", () => kept("drained"));
  test("no slot is shut for long, and at the end the list is empty and every slot takes a request again", () =>
    kept("slot"));
  test("all of this was tried", () => {
    const { faults, operations } = tried.journal;
    expect(operations.get("crash")).toBeGreaterThanOrEqual(5);
    expect([...faults.keys()]).toEqual(expect.arrayContaining([...FAULTS, "late check"]));
  });
});
