import { describe, expect, test } from "vitest";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { DONE } from "../ends.ts";
import { settings } from "../settings.ts";

const server = (name: string, keys: Record<string, unknown> = {}) => ({
  name,
  url: `http://${name}.example`,
  ...keys,
});

/** Which servers the requests went to; each is released at once unless `hold`. */
function sequence(
  keys: Record<string, unknown>,
  requests: number,
  options: { hold?: boolean; random?: () => number } = {},
) {
  const scheduler = new Scheduler(settings(keys), null, 0, options.random);
  const order: string[] = [];
  for (let n = 0; n < requests; n++) {
    scheduler.enter({ id: `t${n}` }, n);
    for (const decision of scheduler.takeChanges().decisions) {
      if (decision.kind === "grant") order.push(decision.slot.server.name);
    }
    if (!options.hold) scheduler.end(`t${n}`, DONE, n);
  }
  return order.join(" ");
}

describe("roundrobin", () => {
  test("spreads by weight smoothly, not in runs", () => {
    const servers = [server("a", { weight: 5 }), server("b"), server("c")];
    expect(sequence({ servers }, 14)).toBe("a a b a c a a a a b a c a a");
  });

  test("passes by servers without a free slot, and comes back to them", () => {
    const servers = [server("a"), server("b", { slots: 3 })];
    expect(sequence({ servers }, 4, { hold: true })).toBe("a b b b");
  });
});

test("leastconn takes the server with the fewest requests for its weight, in turns among equals", () => {
  const servers = [server("a", { slots: 10 }), server("b", { slots: 10, weight: 2 })];
  const order = sequence({ servers, balance: "leastconn" }, 9, { hold: true }).split(" ");
  expect(order.filter((name) => name === "b")).toHaveLength(6);
  expect(sequence({ servers: [server("a"), server("b")], balance: "leastconn" }, 4)).toBe("a b a b");
});

test("first fills the servers in the order of the configuration", () => {
  const servers = [server("a", { slots: 2 }), server("b", { slots: 2 })];
  expect(sequence({ servers, balance: "first" }, 4, { hold: true })).toBe("a a b b");
  expect(sequence({ servers, balance: "first" }, 3)).toBe("a a a");
});

test("random chooses by weight", () => {
  const servers = [server("a", { weight: 3 }), server("b")];
  const rolls = [0, 0.74, 0.76, 0.99];
  expect(sequence({ servers, balance: "random" }, 4, { random: () => rolls.shift() ?? 0 })).toBe("a a b b");
});

describe("backup servers", () => {
  const servers = [server("a"), server("spare", { backup: true })];

  test("get nothing while another server is merely busy", () => {
    expect(sequence({ servers }, 2, { hold: true })).toBe("a");
  });

  test("get the requests while no other server is available, and stop when one is back", () => {
    const scheduler = new Scheduler(settings({ servers }), null, 0);
    const served = (id: string) => {
      scheduler.enter({ id }, 0);
      const [decision] = scheduler.takeChanges().decisions;
      scheduler.end(id, DONE, 0);
      return decision?.kind === "grant" ? decision.slot.server.name : decision?.kind;
    };
    expect(served("t1")).toBe("a");
    scheduler.changeServer("a", { state: "maint" }, "me", 0);
    expect(served("t2")).toBe("spare");
    scheduler.changeServer("a", { state: "ready" }, "me", 0);
    expect(served("t3")).toBe("a");
  });
});
