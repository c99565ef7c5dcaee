import { randomBytes } from "node:crypto";
import { AdminClient } from "../client/admin-client.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import type { Reporter } from "../terminal/reporter.ts";
import { Probe } from "./probe.ts";
import { Servers } from "./servers.ts";
import { POOL, type Stage } from "./stage.ts";

/** How long a drain lasts if nobody ends it, in ms. */
const DRAIN_EXPIRES_MS = 120_000;
const LONGEST_DRAIN_MS = 60_000;

/** How much of it is played. */
export interface Sizes {
  /** Requests a second, more than the servers can take, each of which works that long. */
  perSecond: number;
  serviceMs: number;
  loadMs: number;
  drainAfterMs: number;
  /** How long the load goes on in the drain, and after a deploy. */
  pauseMs: number;
  deferred: number;
  samples: number;
  /** How long an answer goes on whose client leaves in it; without `--quick`, and on a network. */
  longAnswerMs: number;
}

const USUAL: Sizes = {
  perSecond: 60,
  serviceMs: 200,
  loadMs: 8_000,
  drainAfterMs: 3_000,
  pauseMs: 2_000,
  deferred: 100,
  samples: 40,
  longAnswerMs: 45_000,
};

const QUICK: Sizes = { ...USUAL, loadMs: 2_000, drainAfterMs: 800, pauseMs: 400, deferred: 20, samples: 10 };

export interface Plan {
  isQuick: boolean;
  holdsMs: readonly number[];
}

/** What all acts have in common. */
export class Rehearsal {
  readonly stage: Stage;
  readonly plan: Plan;
  readonly sizes: Sizes;
  readonly admin: AdminClient;
  readonly probe: Probe;
  /** Whose drains these are. */
  readonly owner = `sluice rehearse ${randomBytes(4).toString("hex")}`;
  readonly #reporter: Reporter;
  /** What no request of an earlier run has in its path. */
  readonly #run = randomBytes(4).toString("hex");
  #before = new Servers([]);

  constructor(stage: Stage, plan: Plan, reporter: Reporter) {
    this.stage = stage;
    this.plan = plan;
    this.sizes = plan.isQuick ? QUICK : USUAL;
    this.admin = new AdminClient(stage);
    this.probe = new Probe(stage.url, stage.token);
    this.#reporter = reporter;
  }

  /** What an earlier run on the same stage has left is none of ours. */
  async begin(): Promise<void> {
    this.#before = await this.probe.servers();
  }

  get headers(): { Authorization: string } {
    return this.probe.headers;
  }

  /** How the paths of an act's requests begin. */
  path(act: string): string {
    return `/${this.#run}/${act}/`;
  }

  /** What the servers say, and how many overlaps there were since the last call. */
  async servers(): Promise<{ servers: Servers; overlaps: number }> {
    const servers = await this.probe.servers();
    const overlaps = servers.overlapsSince(this.#before);
    this.#before = servers;
    return { servers, overlaps };
  }

  /** Drains the pool, plays `act`, and resumes, whatever comes of it. */
  async drained<T>(act: () => Promise<T>, lastsMs = DRAIN_EXPIRES_MS): Promise<T> {
    const { state, inFlight } = await this.admin.drain(POOL, {
      waitMs: LONGEST_DRAIN_MS,
      expiresMs: lastsMs,
      owner: this.owner,
      reason: "sluice rehearse",
    });
    try {
      if (state !== "drained")
        throw new CliError(EXIT.notDrained, `not drained in time: ${inFlight} still in flight`);
      return await act();
    } finally {
      await this.resume();
    }
  }

  async resume(): Promise<void> {
    await this.admin.resume(POOL, { owner: this.owner });
  }

  say(words: string): void {
    this.#reporter.report({ event: "progress", words }, words);
  }

  /** `change`: what stays the same while this goes on. */
  show(words: string, change = words): void {
    this.#reporter.live({ event: "progress", words: change }, words, change);
  }
}
