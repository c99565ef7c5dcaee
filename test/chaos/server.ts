import type { IncomingMessage, ServerResponse } from "node:http";
import { perform } from "./behaviours.ts";
import type { Journal } from "./journal.ts";
import { Listener } from "./listener.ts";
import { Outages } from "./outages.ts";
import { type CheckPlan, checkPlan, FAULTS, type JobPlan, jobPlan, type RequestPlan } from "./plans.ts";
import { cancels, longestAfterglowMs } from "./pool.ts";
import type { Random } from "./random.ts";
import { Work } from "./work.ts";
import { Workload } from "./workload.ts";

/** What chance has left out by then comes to every fifth request, or to each check, until it has happened once. */
const LEFT_OUT_AFTER_MS = 8_000;
const LEFT_OUT_EVERY = 5;

/** A server that fails in every way, but never does what Sluice may presume that servers do not. */
export class ChaosServer {
  readonly name: string;
  readonly backup: boolean;
  readonly workload: Workload;
  readonly outages: Outages;
  readonly #journal: Journal;
  readonly #random: Random;
  readonly #listener: Listener;
  #checks = 0;

  constructor(
    { name, slots, backup }: { name: string; slots: number; backup: boolean },
    journal: Journal,
    random: Random,
  ) {
    this.name = name;
    this.backup = backup;
    this.#journal = journal;
    this.#random = random;
    this.workload = new Workload(name, slots, journal);
    this.#listener = new Listener(name, journal, {
      connection: (socket) => this.outages.connected(socket),
      request: (request, response) => void this.#answer(request, response),
    });
    this.outages = new Outages(name, this.#listener, this.workload, journal);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.port}`;
  }

  get isOpen(): boolean {
    return this.#listener.isOpen;
  }

  start(): Promise<void> {
    return this.#listener.open();
  }

  stop(): void {
    this.#listener.stop();
    this.workload.kill();
  }

  nextCheck(): CheckPlan {
    const { faults, settings } = this.#journal;
    const isLeftOut = this.#journal.now() >= LEFT_OUT_AFTER_MS && !faults.has("late check");
    const late = !this.outages.mayBeLate ? "never" : isLeftOut ? "now" : "perhaps";
    const id = `${this.name} check ${++this.#checks}`;
    return checkPlan(this.#random, id, longestAfterglowMs(settings), late);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Without this the runtime itself sends an idempotent request once more when a connection breaks that it has
    // used before (workerd 2026-11-17), though the server may still be at the first one: one request each.
    response.setHeader("Connection", "close");
    if (request.url === "/idle") {
      response.writeHead(this.workload.idle ? 200 : 503).end();
      return;
    }
    const work = this.#begin(request, response);
    try {
      await perform(work, this, this.#journal);
    } catch {
      // Killed, or cut off before all of it was read.
    }
    this.workload.end(work);
  }

  #begin(request: IncomingMessage, response: ServerResponse): Work {
    const id = request.url?.replace("/chaos/", "") ?? "";
    const sent = this.#journal.requests.get(id);
    if (!sent && request.url !== "/health") {
      this.#journal.break("lost", `${this.name} got what nobody sent: ${request.method} ${request.url}`);
    }
    if (sent) this.outages.requested();
    const job = sent && this.#journal.begin(sent, this.name, this.#plan(sent.plan, sent.jobs.length));
    const work = new Work(job ?? null, request, response, this.#journal);
    this.workload.begin(work);
    return work;
  }

  #plan({ id, leaveAfterMs }: RequestPlan, arrival: number): JobPlan {
    const { faults, jobs, settings } = this.#journal;
    const plan = jobPlan(this.#random, id, arrival, longestAfterglowMs(settings));
    // Its slot may be given on as soon as its connection is closed, whatever the server has done by then.
    if (cancels(settings) && leaveAfterMs !== null) Object.assign(plan, { after: 0, afterglowMs: 0 });
    if (this.#journal.now() < LEFT_OUT_AFTER_MS || jobs.length % LEFT_OUT_EVERY) return plan;
    const behaviour = FAULTS.find((fault) => !faults.has(fault)) ?? plan.behaviour;
    return { ...plan, behaviour };
  }
}
