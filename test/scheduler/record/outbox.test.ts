import { expect, test } from "vitest";
import { Server } from "../../../src/scheduler/fleet/server.ts";
import { type Decision, Outbox, type Question } from "../../../src/scheduler/record/outbox.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { serverAt, settings } from "../settings.ts";

const server = new Server({ ...serverAt("a"), slots: 1, weight: 1, backup: false });
const probe = (askedAt: number): Question => ({
  kind: "probe",
  askedAt,
  server: "a",
  identity: "http://a",
  registered: false,
  url: "",
  binding: null,
});
const EMPTY = {
  decisions: [],
  questions: [],
  slots: new Set(),
  servers: new Map(),
  left: new Set(),
  registered: new Map(),
  cuts: [],
  recalls: new Map(),
  drainChanged: false,
  regroupChanged: false,
  wakeChanged: false,
};

test("an outbox holds what was decided and asked in order, and each slot and server once", () => {
  const outbox = new Outbox();
  const slot = server.restore(0);
  const decisions: Decision[] = ["t1", "t2"].map((ticket) => ({ kind: "queued", ticket, token: 0 }));
  for (const decision of decisions) outbox.decided(decision);
  for (const questions of [[probe(1)], [], [probe(2)]]) outbox.ask(questions);
  for (let times = 0; times < 2; times++) {
    outbox.slotChanged(slot);
    outbox.serverChanged(server.row);
  }
  for (const lease of ["t3", "t4"]) outbox.cutOff(lease);
  outbox.drainChanged = true;
  outbox.regroupChanged = true;
  expect(outbox.take()).toEqual({
    ...EMPTY,
    decisions,
    questions: [probe(1), probe(2)],
    slots: new Set([slot]),
    servers: new Map([["a", server.row]]),
    cuts: ["t3", "t4"],
    drainChanged: true,
    regroupChanged: true,
  });
});

test("of a server that changed twice, an outbox holds the last", () => {
  const outbox = new Outbox();
  outbox.serverChanged({ ...server.row, health: "down" });
  outbox.serverChanged({ ...server.row, health: "up" });
  expect([...outbox.take().servers.values()].map(({ health }) => health)).toEqual(["up"]);
});

test("what was taken once is not taken again", () => {
  const outbox = new Outbox();
  fill(outbox);
  outbox.take();
  expect(outbox.take()).toEqual(EMPTY);
  expect(outbox.hasQuestions).toBe(false);
});

test("what is put into one outbox is in no other, however many were empty", () => {
  const [full, empty] = [new Outbox(), new Outbox()];
  const before = empty.take();
  fill(full);
  expect([before, empty.take()]).toEqual([EMPTY, EMPTY]);
});

test("an outbox has questions from the first that is asked until they are taken", () => {
  const outbox = new Outbox();
  outbox.ask([]);
  expect(outbox.hasQuestions).toBe(false);
  outbox.ask([probe(0)]);
  expect(outbox.hasQuestions).toBe(true);
});

test("what was taken stays as it was, whatever happens later", () => {
  const scheduler = new Scheduler(settings({ servers: [{ name: "a", url: "http://a.example" }] }), null, 0);
  scheduler.enter({ id: "t1" }, 0);
  const taken = scheduler.takeChanges();
  scheduler.enter({ id: "t2" }, 0);
  scheduler.changeServer("a", { weight: 2 }, "me", 0);
  expect(taken.decisions).toMatchObject([{ kind: "grant", ticket: "t1" }]);
  expect(taken.servers.size).toBe(0);
  expect(scheduler.takeChanges().decisions).toMatchObject([{ kind: "queued", ticket: "t2" }]);
});

function fill(outbox: Outbox): void {
  outbox.decided({ kind: "refuse", ticket: "t1", code: "queue-full" });
  outbox.ask([probe(0)]);
  outbox.slotChanged(server.restore(0));
  outbox.serverChanged(server.row);
  outbox.drainChanged = true;
  outbox.regroupChanged = true;
}
