import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Job, Journal, Sent } from "../journal.ts";
import {
  type CheckPlan,
  checkPlan,
  isForFaults,
  JOB_FAULTS,
  type JobPlan,
  jobPlan,
  LEFT_OUT_AFTER_MS,
  LEFT_OUT_EVERY,
  mayBeEarly,
  type RequestPlan,
} from "../plans.ts";
import type { Random } from "../random.ts";
import { perform } from "./behaviours.ts";
import { answerFor } from "./cloudflare.ts";
import { Listener } from "./listener.ts";
import { Outages } from "./outages.ts";
import { Sickness } from "./sickness.ts";
import { upgrade } from "./web-sockets.ts";
import { type Answering, Work } from "./work.ts";
import { Workload } from "./workload.ts";

/** A server that fails in every way, but never does what Sluice may presume that servers do not. */
export class ChaosServer {
  readonly name: string;
  readonly backup: boolean;
  readonly workload: Workload;
  readonly outages: Outages;
  readonly sickness: Sickness;
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
    this.sickness = new Sickness(name, journal);
    this.#listener = new Listener(name, journal, {
      connection: (socket) => this.outages.connected(socket),
      request: (request, response) => void this.#answer(request, response),
      upgrade: (request, socket, head) => void this.#upgrade(request, socket, head),
    });
    this.outages = new Outages(name, this.#listener, this.workload, journal);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.port}`;
  }

  get isOpen(): boolean {
    return this.#listener.isOpen;
  }

  /** How late it may have learnt of what has just come. */
  get lateMs(): number {
    return this.#journal.slackMs;
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
    return checkPlan(this.#random, id, settings, late);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Without this the runtime itself sends an idempotent request once more when a connection breaks that it has
    // used before (workerd 2026-11-17), though the server may still be at the first one: one request each.
    response.setHeader("Connection", "close");
    const front = this.outages.fronted();
    if (front !== null) {
      const [headers, text] = answerFor(front);
      response.writeHead(front, headers).end(text);
      return;
    }
    if (request.url === "/idle") {
      response.writeHead(this.workload.idle ? 200 : 503).end();
      return;
    }
    const answering = { events: response, isWhole: () => response.writableFinished };
    await this.#work(request, answering, (work) => perform(work, response, this, this.#journal));
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    let isOver = false;
    const answering = { events: socket, isWhole: () => isOver };
    const over = () => {
      isOver = true;
    };
    await this.#work(request, answering, (work) =>
      upgrade({ work, socket, head, over }, this, this.#journal),
    );
  }

  async #work(
    request: IncomingMessage,
    answering: Answering,
    perform: (work: Work) => Promise<void>,
  ): Promise<void> {
    const mayGoOn = () => this.outages.mayGoOn;
    const work = new Work(this.#jobFor(request), request, answering, this.#journal, mayGoOn);
    this.workload.begin(work);
    try {
      await perform(work);
    } catch {
      // Killed.
    }
    this.workload.end(work);
  }

  /** `null`: it is a health check. */
  #jobFor({ method, url }: IncomingMessage): Job | null {
    const sent = this.#journal.requests.get(url?.split("/").at(-1) ?? "");
    if (!sent || sent.plan.path !== url) {
      if (url !== "/health")
        this.#journal.break("lost", `${this.name} got what nobody sent: ${method} ${url}`);
      return null;
    }
    this.outages.requested();
    this.sickness.requested(sent);
    this.#judgeHandshake(sent);
    return this.#journal.begin(sent, this.name, this.#plan(sent.plan, sent.jobs.length));
  }

  #judgeHandshake(sent: Sent): void {
    const { id, client } = sent.plan;
    if (client.kind !== "bad handshake") return;
    this.#journal.break("slot", `${this.name} got ${id}, whose handshake has ${client.fault}`, [sent]);
  }

  #plan(request: RequestPlan, arrival: number): JobPlan {
    const { faults, jobs, settings } = this.#journal;
    const plan = jobPlan(this.#random, request, arrival, settings);
    const isTime = this.#journal.now() >= LEFT_OUT_AFTER_MS;
    const isLeftOut = isTime && !faults.has("early answer") && mayBeEarly(request);
    if (!isForFaults(request)) return { ...plan, behaviour: "answer", early: plan.early || isLeftOut };
    if (!isTime || jobs.length % LEFT_OUT_EVERY) return plan;
    const behaviour =
      JOB_FAULTS.find((fault) => !faults.has(fault) && !settings.without.includes(fault)) ?? plan.behaviour;
    return { ...plan, behaviour };
  }
}
