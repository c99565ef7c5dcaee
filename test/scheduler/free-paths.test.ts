import { describe, expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { reported } from "./ends.ts";
import { settings } from "./settings.ts";

const server = (name: string, keys: object = {}) => ({ name, url: `http://${name}.example`, ...keys });

function start(servers: object[], keys: object = {}): Scheduler {
  return new Scheduler(settings({ servers, ...keys }), null, 0);
}

/** The name of the server, or why there is none. */
function free(scheduler: Scheduler, failed: string[] = []): string {
  const server = scheduler.freeServer(failed, 0);
  return typeof server === "string" ? server : server.name;
}

const times = (count: number, call: () => string) => Array.from({ length: count }, call).join(" ");

describe("a request without a slot", () => {
  test("goes to the servers in turn, however busy they are, and takes none of their slots", () => {
    const scheduler = start([server("a"), server("b", { weight: 9 })]);
    scheduler.enter({ id: "t1" }, 0);
    scheduler.enter({ id: "t2" }, 0);
    expect(times(4, () => free(scheduler))).toBe("a b a b");
    expect([scheduler.inFlight, scheduler.queued]).toEqual([2, 0]);
    expect(scheduler.totals).toMatchObject({ free: 4, accepted: 2, completed: 0 });
  });

  test("goes to no server that has failed it while there is another, a backup even", () => {
    const scheduler = start([server("a"), server("b"), server("c", { backup: true })]);
    expect(times(3, () => free(scheduler, ["a"]))).toBe("b b b");
    expect(free(scheduler, ["a", "b"])).toBe("c");
    expect(["a", "b"]).toContain(free(scheduler, ["a", "b", "c"]));
  });

  test("is counted once, not for each server that it goes to", () => {
    const scheduler = start([server("a"), server("b")]);
    free(scheduler);
    free(scheduler, ["a"]);
    expect(scheduler.totals.free).toBe(1);
  });

  test("goes to a backup while no other server is available, and to none that is down or taken out", () => {
    const scheduler = start([server("a"), server("b", { backup: true })]);
    expect(times(2, () => free(scheduler))).toBe("a a");
    scheduler.changeServer("a", { state: "drain" }, "ops", 0);
    expect(free(scheduler)).toBe("b");
    scheduler.changeServer("b", { state: "maint" }, "ops", 0);
    expect(free(scheduler)).toBe("no-server");
    expect(scheduler.totals).toMatchObject({ free: 3, refused: { "no-server": 1 } });
  });

  test("waits for a slot in a drain, and is not counted as free", () => {
    const scheduler = start([server("a")]);
    scheduler.drain({ owner: "ops", by: "ops", reason: null, expiresAt: 60_000 }, 0);
    expect(free(scheduler)).toBe("halted");
    expect(scheduler.totals).toMatchObject({ free: 0, refused: {} });
  });

  test("goes on in a drain where it may, which is drained all the same", () => {
    const scheduler = start([server("a")], { free_paths_in_drain: true });
    scheduler.drain({ owner: "ops", by: "ops", reason: null, expiresAt: 60_000 }, 0);
    expect(free(scheduler)).toBe("a");
    expect(scheduler.inFlight).toBe(0);
  });

  test("keeps checks going: a pool of nothing else learns that its server is back", () => {
    const check = { path: "/up", interval: "1s", fall: 1, rise: 1 };
    const scheduler = start([server("a")], { check });
    scheduler.freeServer([], 0);
    scheduler.tick(0);
    const [first] = scheduler.takeChanges().questions;
    scheduler.checked(first?.kind === "check" ? first.id : "", reported("refused"), 0);
    expect(free(scheduler)).toBe("no-server");
    // An hour later nobody has been asked for long.
    for (let at = scheduler.nextTick(); at < 3_600_000; at = scheduler.nextTick()) {
      scheduler.tick(at);
      for (const question of scheduler.takeChanges().questions)
        if (question.kind === "check") scheduler.checked(question.id, reported("refused"), at);
    }
    expect(scheduler.nextTick()).toBe(Number.POSITIVE_INFINITY);
    expect(scheduler.freeServer([], 3_600_000)).toBe("no-server");
    expect(scheduler.nextTick()).toBeLessThanOrEqual(3_600_000);
    scheduler.tick(3_600_000);
    const [question] = scheduler.takeChanges().questions;
    scheduler.checked(question?.kind === "check" ? question.id : "", reported("passed"), 3_600_001);
    expect(free(scheduler)).toBe("a");
  });
});
