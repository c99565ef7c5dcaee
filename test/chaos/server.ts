import type { IncomingMessage, ServerResponse } from "node:http";
import { perform } from "./behaviours.ts";
import type { Journal } from "./journal.ts";
import { Listener } from "./listener.ts";
import { Outages } from "./outages.ts";
import { FAULTS, type JobPlan, jobPlan } from "./plans.ts";
import type { Random } from "./random.ts";
import { Work } from "./work.ts";
import { Workload } from "./workload.ts";

/** What chance has left out by then comes to every fifth request until it has happened once. */
const LEFT_OUT_AFTER_MS = 8_000;
const LEFT_OUT_EVERY = 5;

/** A server that fails in every way, but never does what Sluice may presume that servers do not. */
export class ChaosServer {
  readonly name: string;
  readonly workload: Workload;
  readonly outages: Outages;
  readonly #journal: Journal;
  readonly #random: Random;
  readonly #listener: Listener;

  constructor(name: string, slots: number, journal: Journal, random: Random) {
    this.name = name;
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
    const job = sent && this.#journal.begin(sent, this.name, this.#plan(id, sent.jobs.length));
    const work = new Work(job ?? null, request, response, this.#journal);
    this.workload.begin(work);
    return work;
  }

  #plan(id: string, arrival: number): JobPlan {
    const plan = jobPlan(this.#random, id, arrival);
    const { faults, jobs } = this.#journal;
    if (this.#journal.now() < LEFT_OUT_AFTER_MS || jobs.length % LEFT_OUT_EVERY) return plan;
    const behaviour = FAULTS.find((fault) => !faults.has(fault)) ?? plan.behaviour;
    return { ...plan, behaviour };
  }
}
