import { expect, test } from "vitest";
import { Server } from "../../../src/scheduler/fleet/server.ts";
import { Outbox } from "../../../src/scheduler/record/outbox.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { settings } from "../settings.ts";

const server = new Server({ name: "a", url: "http://a.example", slots: 1, weight: 1, backup: false });

test("an outbox holds what was decided and asked in order, and each slot and server once", () => {
  const outbox = new Outbox();
  const slot = server.restore(0);
  const [one, two] = ["t1", "t2"].map((ticket) => ({ kind: "queued" as const, ticket, seq: 0 }));
  const [first, second] = [1, 2].map((askedAt) => ({
    kind: "probe" as const,
    askedAt,
    server: "a",
    url: "",
  }));
  if (!one || !two || !first || !second) throw new Error("nothing to put in");
  for (const decision of [one, two]) outbox.decided(decision);
  for (const questions of [[first], [], [second]]) outbox.asks(questions);
  for (let times = 0; times < 2; times++) {
    outbox.slotChanged(slot);
    outbox.serverChanged(server);
  }
  expect(outbox.decisions).toEqual([one, two]);
  expect(outbox.questions).toEqual([first, second]);
  expect([...outbox.slots]).toEqual([slot]);
  expect([...outbox.servers]).toEqual([server]);
});

test("what is put into one outbox is in no other, however many were empty", () => {
  const [full, empty] = [new Outbox(), new Outbox()];
  full.decided({ kind: "refuse", ticket: "t1", code: "queue-full" });
  full.asks([{ kind: "probe", askedAt: 0, server: "a", url: "" }]);
  full.slotChanged(server.restore(0));
  full.serverChanged(server);
  const { decisions, questions, slots, servers } = empty;
  expect([...decisions, ...questions, ...slots, ...servers]).toEqual([]);
});

test("what was taken stays as it was, whatever happens later", () => {
  const scheduler = new Scheduler(settings({ servers: [{ name: "a", url: "http://a.example" }] }), null, 0);
  scheduler.enter({ id: "t1" }, 0);
  const taken = scheduler.takeChanges();
  scheduler.enter({ id: "t2" }, 0);
  scheduler.changeServer("a", { weight: 2 }, 0);
  expect(taken.decisions).toMatchObject([{ kind: "grant", ticket: "t1" }]);
  expect(taken.servers.size).toBe(0);
  expect(scheduler.takeChanges().decisions).toMatchObject([{ kind: "queued", ticket: "t2" }]);
});
