import { describe, expect, test } from "vitest";
import { LEASE_TTL_MS } from "../../src/scheduler/fleet/leases.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import type { LeaseEnd } from "../../src/scheduler/terms/lease-end.ts";
import type { Passed } from "../../src/scheduler/terms/passing.ts";
import type { TicketRequest } from "../../src/scheduler/waiting/ticket.ts";
import { cutOff, DONE } from "./ends.ts";
import { LedgerModel } from "./ledger-model.ts";
import { settings } from "./settings.ts";

const ONE = { servers: [{ name: "a", url: "http://a.example" }] };
const CHECK = { path: "/health", interval: "4s", rise: 1, fall: 1 };

/** A pool of one server with one slot unless told otherwise, and what its Workers see of it. */
class Played {
  now = 1_000_000;
  scheduler: Scheduler;
  readonly ledger = new LedgerModel();
  /** What tickets were told, in order: `granted x`. */
  readonly told: string[] = [];
  /** Isolates whose permission was taken back, and of which tickets they were told. */
  readonly recalls: string[] = [];
  /** Rows that were written. */
  rows = 0;
  readonly checks: string[] = [];
  readonly #settings: ReturnType<typeof settings>;
  #calls = 0;

  constructor(keys: Record<string, unknown> = {}) {
    this.#settings = settings({ ...ONE, ...keys });
    this.scheduler = new Scheduler(this.#settings, null, this.now, () => 0.5);
    this.settle();
  }

  /** Enters from an isolate; `null`: from a Worker that passes nothing on. Returns the number of the call. */
  enter(id: string, isolate: string | null = "one", wants: Partial<TicketRequest> = {}): number {
    const call = ++this.#calls;
    const from = isolate === null ? {} : { from: { isolate, call } };
    this.scheduler.enter({ id, ...from, ...wants }, this.now);
    this.settle();
    return call;
  }

  /** The lease was passed on. */
  pass(lease: string, to: string, wants: Partial<Passed & { isolate: string }> = {}): void {
    const { isolate = "one", ...report } = wants;
    this.scheduler.passed({ lease, server: "a", hop: 1, end: DONE, to, agoMs: 0, ...report }, isolate, this.now);
    this.settle();
  }

  end(lease: string, end: LeaseEnd = DONE, hop = 0): void {
    this.scheduler.end(lease, end, this.now, hop);
    this.settle();
  }

  advance(ms: number): void {
    const until = this.now + ms;
    for (let at = this.scheduler.nextTick(); at <= until; at = this.scheduler.nextTick()) {
      this.now = Math.max(this.now, at);
      this.scheduler.tick(this.now);
      this.settle();
    }
    this.now = until;
  }

  drain(stop = false): void {
    const wanted = { owner: "me", by: "me", reason: null, expiresAt: this.now + 60_000 };
    this.scheduler.drain({ ...wanted, ...(stop ? { stop: { message: null } } : {}) }, this.now);
    this.settle();
  }

  crash(): void {
    this.scheduler = new Scheduler(this.#settings, this.ledger.load(this.now), this.now, () => 0.5);
    this.settle();
  }

  /** The calls that an isolate is told are next; `undefined`: it is told nothing at all. */
  next(isolate = "one"): readonly number[] | undefined {
    return this.scheduler.next(isolate)?.calls;
  }

  settle(): void {
    const changes = this.scheduler.takeChanges();
    this.rows += changes.slots.size;
    this.ledger.write(changes, this.scheduler, this.now);
    for (const { kind, ticket } of changes.decisions) this.told.push(`${kind} ${ticket}`);
    for (const question of changes.questions) if (question.kind === "check") this.checks.push(question.id);
    for (const [isolate, tickets] of changes.recalls)
      this.recalls.push(`${isolate}: ${tickets.map(({ id }) => id).join(" ")}`);
  }

  get totals() {
    const { accepted, completed, abandoned, passedOn } = this.scheduler.totals;
    return { accepted, completed, abandoned, passedOn };
  }

  /** What operators call the leases. */
  get names(): string[] {
    return [...this.scheduler.servers].flatMap((server) =>
      [...server.occupiedSlots()].map(({ lease, hop }) => (hop === 0 ? lease : `${lease}.${hop}`)),
    );
  }
}

describe("of a lease that has ended by a message that was faster", () => {
  test("each pass counts once, also where the heir had a slot of its own by then", () => {
    const pool = new Played();
    for (const id of ["x", "y"]) pool.enter(id);
    // Passed on to y.
    pool.end("x", DONE, 1);
    expect(pool.told.at(-1)).toBe("grant y");
    for (let n = 0; n < 2; n++) pool.pass("x", "y");
    expect(pool.totals).toEqual({ accepted: 2, completed: 2, abandoned: 0, passedOn: 1 });
    pool.end("y", { how: "unused", served: true });
    expect(pool.totals).toEqual({ accepted: 2, completed: 2, abandoned: 0, passedOn: 1 });
  });

  test("several count, in any order", () => {
    const pool = new Played();
    for (const id of ["x", "y", "z"]) pool.enter(id);
    pool.pass("x", "y", { hop: 2, to: "z" });
    pool.end("x", DONE, 3);
    for (const hop of [3, 1, 3, 2, 1]) pool.pass("x", "nobody", { hop });
    expect(pool.totals).toMatchObject({ completed: 4, passedOn: 3 });
  });
});
