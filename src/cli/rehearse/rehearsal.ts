import { randomBytes } from "node:crypto";
import type { Snapshot } from "../../scheduler/snapshot.ts";
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

/** Of each server: with 200 ms a request, a fifth more than it can take. */
const PER_SECOND_OF_SERVER = 6;
const OVERLOAD = 1.2;
/** Each request has a connection of its own, which is work for the machine that plays the clients. */
const MOST_PER_SECOND = 120;

const USUAL: Omit<Sizes, "perSecond" | "serviceMs"> = {
  loadMs: 8_000,
  drainAfterMs: 3_000,
  pauseMs: 2_000,
  deferred: 100,
  samples: 40,
  longAnswerMs: 45_000,
};

const QUICK: typeof USUAL = {
  ...USUAL,
  loadMs: 2_000,
  drainAfterMs: 800,
  pauseMs: 400,
  deferred: 20,
  samples: 10,
};

/** As many requests as keep so many servers busy; of many, each for longer. */
function sizesFor({ isQuick }: Plan, servers: number): Sizes {
  const perSecond = Math.min(PER_SECOND_OF_SERVER * servers, MOST_PER_SECOND);
  const serviceMs = (1_000 * OVERLOAD * servers) / perSecond;
  return { ...(isQuick ? QUICK : USUAL), perSecond, serviceMs };
}

export interface Plan {
  isQuick: boolean;
  holdsMs: readonly number[];
}

/** What all acts have in common. */
export class Rehearsal {
  readonly stage: Stage;
  readonly plan: Plan;
  readonly admin: AdminClient;
  readonly probe: Probe;
  /** Whose drains these are. */
  readonly owner = `sluice rehearse ${randomBytes(4).toString("hex")}`;
  readonly #reporter: Reporter;
  /** What no request of an earlier run has in its path. */
  readonly #run = randomBytes(4).toString("hex");
  #before = new Servers([]);
  #pool: Snapshot | null = null;

  constructor(stage: Stage, plan: Plan, reporter: Reporter) {
    this.stage = stage;
    this.plan = plan;
    this.admin = new AdminClient(stage);
    this.probe = new Probe(stage.url, stage.token);
    this.#reporter = reporter;
  }

  /** What an earlier run on the same stage has left is none of ours. */
  async begin(): Promise<void> {
    this.#before = await this.probe.servers();
    this.#pool = await this.admin.pool(POOL);
  }

  get sizes(): Sizes {
    return sizesFor(this.plan, this.serverCount);
  }

  get serverCount(): number {
    return this.#pool?.servers.length ?? 0;
  }

  /** Of how many objects the pool is. */
  get shardCount(): number {
    return this.#pool?.shards?.length ?? 1;
  }

  /** Which of these objects has which server, by the servers' names. */
  async shardOf(): Promise<ReadonlyMap<string, number>> {
    const { servers } = await this.admin.pool(POOL);
    return new Map(servers.map(({ name, shard = 0 }) => [name, shard]));
  }

  get headers(): { Authorization: string } {
    return this.probe.headers;
  }

  /** How the paths of an act's requests begin. */
  path(act: string): string {
    return `/${this.#run}/${act}/`;
  }

  /** What the servers say, and how many overlaps there were since the last call: in all, and at each. */
  async servers(): Promise<{ servers: Servers; overlaps: number; overlapsAt: ReadonlyMap<string, number> }> {
    const servers = await this.probe.servers();
    const overlapsAt = servers.overlapsSince(this.#before);
    this.#before = servers;
    const overlaps = [...overlapsAt.values()].reduce((sum, count) => sum + count, 0);
    return { servers, overlaps, overlapsAt };
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
