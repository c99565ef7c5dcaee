import { isDeferring, isPlain } from "./clients/plan.ts";
import { Flows } from "./flows.ts";
import { Overheard } from "./overheard.ts";
import type { JobPlan, RequestPlan } from "./plans.ts";
import { longestStallMs, RETRIES, type Settings } from "./pool.ts";
import { type Span, Spans } from "./spans.ts";
import { type Crash, type Stored, wasInterrupted } from "./stored.ts";
import { Waiting } from "./waiting.ts";

/** One request, from its client's point of view. Times here and below are ms since the run began. */
export interface Sent {
  plan: RequestPlan;
  /** Which of the isolates it was sent to, from 0. */
  isolate: number;
  sentAt: number;
  /** Since when its client neither sends nor reads, though it should. */
  stalledAt: number | null;
  endedAt: number | null;
  outcome: string | null;
  /** How many of its client's requests may have waited at once in its time; 0 until its end. */
  mostOfOwn: number;
  jobs: Job[];
  /** `null`: it is not, as far as its client knows. */
  stored: Stored | null;
}

/** One arrival of a request at a server, and what became of it. */
export interface Job {
  number: number;
  sent: Sent;
  server: string;
  plan: JobPlan;
  /** The server was out of order, and said so instead of doing what was planned. */
  sick: boolean;
  /** From here to `doneAt` it takes one of the server's slots. */
  readAt: number;
  /** All of the request is here. */
  wholeAt: number | null;
  headAt: number | null;
  /** When the server last got more of the upload, or rid of more of its answer: buffers on the way hold some of both. */
  takenAt: number;
  /** From here on it waits to be cut off. */
  hungAt: number | null;
  /** The server broke the connection, on purpose or because it restarted. */
  brokeAt: number | null;
  /** The server said that it is busy for somebody else, and did nothing. */
  turnedAwayAt: number | null;
  /** Its front said that the server is silent; the server goes on. */
  gaveUpAt: number | null;
  /** The other side closed the connection before it had the answer. */
  cutAt: number | null;
  doneAt: number | null;
}

/** A server refused or reset connections without having read a request: `to` is infinite while it does. */
export interface Trouble {
  server: string;
  from: number;
  to: number;
}

/**
 * overlap  a server had more to do than it has slots
 * lost     a request ended as none may
 * half     a server was made believe that half a body is a whole one
 * twice    a request was read more than once though it may not be repeated, or there was no cause to
 * order    a request got a server before one of the same client that had waited for longer
 * limit    a client's requests were at more servers than it may have slots
 * starved  a client's requests timed out because others send more
 * health   a server that is out of order got requests for too long, or did so before it was well again
 * drained  a server had work while the pool said that it is drained
 * slot     a slot did not come back, or not in time
 * secret   the id of a stored request was told to others than its client
 */
export type Promised =
  | "overlap"
  | "lost"
  | "half"
  | "twice"
  | "order"
  | "limit"
  | "starved"
  | "health"
  | "drained"
  | "slot"
  | "secret";

export interface Broken {
  promise: Promised;
  /** When the story begins, and when it ends. */
  from: number;
  at: number;
  text: string;
  about: Sent[];
}

/** Some isolates, or all, were killed and started again. The first has all objects. */
export interface Kill extends Crash {
  isolates: readonly number[];
}

const SAME_MOMENT_MS = 250;
/** By which a timer of this process may be late, and what it waits for have come first. */
const JITTER_MS = 50;
/** Until then `ownersAre` has been told what was so. */
const SEEN_LATE_MS = 750;
/** Who was sent while the objects were gone has had a server by then, or is refused. */
const REMEMBERED_MS = 8_000;
/** Until all have told the objects that they are back, it takes about as long again. */
const OUTAGE_SHARE = 2;
/** In which a Worker has not attached to its lease yet, and what it says takes to come here. */
const HEARD_LATE_MS = 1_500;

/**
 * Those who waited in an isolate that was killed are still on the list, and get slots: until each has a handle, and has not asked by
 * it (docs/protocol.md).
 */
const GHOSTS_MS = 5_000;

/** All that happened to one pool in a run: what the report counts, and what tells the story of a failure. */
export class Journal {
  readonly settings: Settings;
  readonly waiting = new Waiting();
  readonly overheard = new Overheard();
  /** Stored requests that have not ended, as far as clients and servers can tell. */
  readonly unfinished = new Waiting();
  readonly requests = new Map<string, Sent>();
  readonly jobs: Job[] = [];
  readonly events: { at: number; text: string }[] = [];
  readonly broken: Broken[] = [];
  /** What clients did, what servers did, and what an operator did. */
  readonly clients = new Map<string, number>();
  readonly faults = new Map<string, number>();
  readonly operations = new Map<string, number>();
  /** Stored requests of which nobody has asked yet how they ended. */
  readonly open = new Set<Sent>();
  /** Of the whole runtime, or of one isolate. */
  readonly kills: Kill[] = [];
  /** When one of the pool's objects crashed, and the others went on. */
  readonly crashes: { shard: number; at: number }[] = [];
  /** When nobody reached one of them. */
  readonly losses: (Span & { shard: number })[] = [];
  /** When the number of shards became another one. */
  readonly reshards: number[] = [];
  /** When clients' requests may have begun to come to other shards than before, as those that have servers were others. */
  readonly #moves: number[] = [];
  #owners: string | null = null;
  /** How many of them there are. */
  shards: number;
  /** What the pool has last counted. `passedOn`: leases that were passed on; absent: it does not count that. */
  totals: { completed: number; passedOn?: number } | null = null;
  /** When operators may have had requests cut off, and when they had the pool stopped. */
  readonly #cuts = new Spans();
  readonly #stops = new Spans();
  readonly #pauses: { readonly latelyMs: number };
  readonly #flows: Flows;
  readonly #troubles: Trouble[] = [];
  /** Until then no server may be given work: the pool said that it is drained. */
  drainedUntil = Number.NEGATIVE_INFINITY;
  longestQueue = 0;
  longestLeaseMs = 0;
  readonly #start = performance.now();

  constructor(settings: Settings, pauses: { readonly latelyMs: number }) {
    this.settings = settings;
    this.shards = settings.shards;
    this.#flows = new Flows(settings);
    this.#pauses = pauses;
  }

  /** What came so late may have come in time: nobody was there to see it. */
  get slackMs(): number {
    return this.#pauses.latelyMs;
  }

  now(): number {
    return performance.now() - this.#start;
  }

  send(plan: RequestPlan, isolate = 0): Sent {
    const sentAt = this.now();
    const sent: Sent = {
      plan,
      isolate,
      sentAt,
      stalledAt: null,
      endedAt: null,
      outcome: null,
      mostOfOwn: 0,
      jobs: [],
      stored: null,
    };
    this.requests.set(plan.id, sent);
    this.#waits(sent, sentAt);
    if (isPlain(plan.client)) this.#flows.orderOf(sent)?.add(sent, sentAt);
    if (plan.client.kind !== "stays") count(this.clients, plan.client.kind);
    return sent;
  }

  /** A 202 has come for it. */
  accepted(sent: Sent, id: string, isQueued: Stored["isQueued"]): void {
    const { plan, stored } = sent;
    if (stored?.id === id) return;
    if (stored) {
      this.break("twice", `${plan.id} is stored twice`, [sent]);
      return;
    }
    const acceptedAt = this.now();
    const fate = { stoppedAt: null, retries: 0, isForgotten: false, end: null };
    sent.stored = { id, acceptedAt, crashes: [], ...fate, isQueued };
    this.open.add(sent);
    if (sent.jobs.length === 0) this.#flows.orderOf(sent)?.add(sent, acceptedAt);
  }

  /**
   * It is to be tried again: what comes to a server from now on is of the new try. Returns how to take that back, if it
   * is not.
   */
  beginAnew(sent: Sent): () => void {
    const { sentAt, endedAt, outcome, jobs } = sent;
    Object.assign(sent, { sentAt: this.now(), endedAt: null, outcome: null, jobs: [] });
    this.open.add(sent);
    this.#waits(sent, sent.sentAt);
    return () => {
      Object.assign(sent, { sentAt, endedAt, outcome, jobs });
      this.open.delete(sent);
      this.#waitsNoMore(sent, this.now());
    };
  }

  /** It has been put on the list again, at the end of that. */
  begunAnew(sent: Sent): void {
    const { stored } = sent;
    if (!stored) return;
    stored.retries++;
    stored.acceptedAt = this.now();
    stored.end = null;
    if (sent.jobs.length === 0) this.#flows.orderOf(sent)?.add(sent, stored.acceptedAt);
  }

  ended(sent: Sent, outcome: string): void {
    sent.endedAt = this.now();
    sent.outcome = outcome;
    sent.mostOfOwn = this.mostOfItsFlow(sent);
    this.open.delete(sent);
    this.#waitsNoMore(sent, sent.endedAt);
    this.#flows.orderOf(sent)?.gone(sent);
  }

  /** What is in flight after so long is to be cut off. Returns when that is: from when it was asked for, to be set. */
  beginCut(afterMs: number): Span {
    return this.#cuts.begin(this.now() + afterMs);
  }

  beginStop(): Span {
    return this.#stops.begin(this.now());
  }

  /** An operator may have had requests cut off at a moment between these. A Worker that has just begun hears of it late. */
  hadCut(from: number, to = this.now()): boolean {
    return this.#cuts.touch(from - HEARD_LATE_MS - this.slackMs, to + SAME_MOMENT_MS);
  }

  hadStop(from: number, to = this.now()): boolean {
    return this.#stops.touch(from - SAME_MOMENT_MS - this.slackMs, to + SAME_MOMENT_MS);
  }

  /** A moment between these two was one of a kill that this isolate did not survive. */
  hadKill(isolate: number, from: number, to = this.now()): boolean {
    return this.kills.some((kill) => kill.isolates.includes(isolate) && kill.from <= to && kill.to >= from);
  }

  /** Between these two moments there may have been requests on the list of an isolate that was killed, and the object not. */
  hadGhosts(from: number, to: number): boolean {
    return this.kills.some(
      (kill) => !kill.isolates.includes(0) && kill.from <= to && kill.to + GHOSTS_MS >= from,
    );
  }

  begin(sent: Sent, server: string, plan: JobPlan): Job {
    const times = {
      readAt: this.now(),
      takenAt: this.now(),
      wholeAt: null,
      headAt: null,
      hungAt: null,
      brokeAt: null,
      turnedAwayAt: null,
      gaveUpAt: null,
      cutAt: null,
      doneAt: null,
    };
    this.#checkRepetition(sent, server);
    this.#checkStopped(sent, server);
    this.#checkOrder(sent, server);
    const job: Job = { number: this.jobs.length, sent, server, plan, sick: false, ...times };
    this.jobs.push(job);
    sent.jobs.push(job);
    if (isDeferring(sent.plan.client)) this.#waits(sent, job.readAt);
    else this.#waitsNoMore(sent, job.readAt);
    this.#checkLimit(job);
    if (job.readAt < this.drainedUntil) {
      this.break("drained", `${server} got ${sent.plan.id} while the pool is drained`, [sent]);
    }
    return job;
  }

  /** Its server is at work for it no more. */
  done(job: Job): void {
    if (job.doneAt !== null) return;
    job.doneAt = this.now();
    this.#flows.of(job.sent).atWork.delete(job);
    this.#judgeHold(job);
    if (job.sent.endedAt !== null) return;
    if (isDeferring(job.sent.plan.client)) {
      if (isAnswered(job)) this.#waitsNoMore(job.sent, job.doneAt);
    }
    // It may be told so, or wait for another server.
    else this.#waits(job.sent, job.doneAt);
  }

  /** Its object, or this one of its shards, at some moment since `from`. */
  crashed(from: number, shard = 0): void {
    this.crashes.push({ shard, at: from });
  }

  /** Nobody reaches this shard until the end of that. */
  beginLoss(shard: number): Span {
    const loss = { shard, from: this.now(), to: Number.POSITIVE_INFINITY };
    this.losses.push(loss);
    return loss;
  }

  isLost(shard: number): boolean {
    return this.losses.some((loss) => loss.shard === shard && loss.to > this.now());
  }

  /** From now on there are so many. */
  hasShards(shards: number): void {
    this.shards = shards;
    this.reshards.push(this.now());
    this.operation("other shards", `the pool has ${shards} shards`);
  }

  /** These shards have servers: a client is at no shard without any. `undefined`: the server changes hands. */
  ownersAre(shards: readonly (number | undefined)[]): void {
    const owners = [...new Set(shards.filter((shard) => shard !== undefined))].sort().join();
    if (this.#owners !== null && this.#owners !== owners) this.#moves.push(this.now());
    this.#owners = owners;
  }

  event(text: string): void {
    this.events.push({ at: this.now(), text });
  }

  fault(kind: string, server: string): void {
    count(this.faults, kind);
    this.event(`${server}: ${kind}`);
  }

  operation(kind: string, text: string): void {
    count(this.operations, kind);
    this.event(text);
  }

  break(promise: Promised, text: string, about: Sent[] = [], from = this.now()): void {
    this.broken.push({ promise, from, at: this.now(), text, about });
    this.event(`BROKEN PROMISE (${promise}): ${text}`);
  }

  trouble(server: string): Trouble {
    const trouble = { server, from: this.now(), to: Number.POSITIVE_INFINITY };
    this.#troubles.push(trouble);
    return trouble;
  }

  /** Some server was not to be talked to at a moment between these. */
  hadTrouble(from: number, to: number): boolean {
    return this.#troubles.some((one) => one.from <= to && one.to >= from);
  }

  /** A client that has stalled is given up, and its server let go. */
  #judgeHold({ sent, server, takenAt, cutAt, doneAt }: Job): void {
    if (sent.stalledAt === null || doneAt === null) return;
    const heldMs = (cutAt ?? doneAt) - Math.max(sent.stalledAt, takenAt);
    if (heldMs <= longestStallMs(this.settings, sent.plan.client) + this.slackMs) return;
    this.break("slot", `${server} was held for ${heldMs.toFixed(0)} ms by a client that had stalled`, [sent]);
  }

  /** The most of its client's requests that may have been in the list at a moment since it was sent. */
  mostOfItsFlow(sent: Sent): number {
    return this.#flows.of(sent).waiting.mostSince(sent.sentAt);
  }

  #waits(sent: Sent, now: number): void {
    this.#listOf(sent).add(sent, now);
    this.#flows.of(sent).waiting.add(sent, now);
  }

  #waitsNoMore(sent: Sent, now: number): void {
    this.#listOf(sent).delete(sent, now);
    this.#flows.of(sent).waiting.delete(sent, now);
  }

  #listOf({ plan }: Sent): Waiting {
    return isDeferring(plan.client) ? this.unfinished : this.waiting;
  }

  /** Its server has begun with it. What servers still do of attempts that have failed is on nobody's account. */
  #checkLimit(job: Job): void {
    const { atWork } = this.#flows.of(job.sent);
    atWork.add(job);
    const most = this.settings.max_in_flight_per_flow;
    if (most === undefined) return;
    const counted = [...atWork].filter((one) => !this.#hasFailed(one));
    if (counted.length <= most || (this.settings.shards > 1 && this.#hasMoved)) return;
    const servers = counted.map(({ server }) => server).join(", ");
    const text = `${job.sent.plan.flow} may have ${most} slots, and was at ${servers}`;
    this.break("limit", text, [...new Set(counted.map(({ sent }) => sent))]);
  }

  /** Its request may be tried again, or has been, while its server may still be at work. */
  #hasFailed({ sent, readAt, brokeAt, turnedAwayAt }: Job): boolean {
    if (brokeAt !== null || turnedAwayAt !== null) return true;
    return isDeferring(sent.plan.client) && (wasInterrupted(sent, readAt, this) || this.hadCut(readAt));
  }

  /** Only after a server broke the connection, only what may be repeated, and not for ever. */
  #checkRepetition(sent: Sent, server: string): void {
    const { jobs, plan } = sent;
    // Whom a server turned away may come again, and no number ends that.
    const read = jobs.filter((job) => job.turnedAwayAt === null);
    if (read.length === 0) return;
    const repeatable = plan.idempotent || this.settings.retry_non_idempotent;
    const due = repeatable && read.length <= RETRIES && read.every((job) => this.#hasFailed(job));
    if (!due) this.break("twice", `${plan.method} ${plan.id} came to ${server} as well`, [sent]);
  }

  #checkStopped(sent: Sent, server: string): void {
    const lateMs = this.now() - (sent.stored?.stoppedAt ?? Number.POSITIVE_INFINITY);
    if (lateMs <= 0) return;
    const text = `${sent.plan.id}, which was canceled, came to ${server} ${lateMs.toFixed(0)} ms after that`;
    this.break("twice", text, [sent]);
  }

  #checkOrder(sent: Sent, server: string): void {
    if (sent.jobs.length > 0) return;
    const slackMs = this.slackMs + this.#outageMs();
    const now = this.now();
    const overtaken = this.#flows.orderOf(sent)?.served(sent, now, slackMs);
    if (!overtaken) return;
    // What two servers were sent at the same moment, they may read in either order.
    const lateMs = this.settings.shards > 1 ? SEEN_LATE_MS : 0;
    const until = lateMs > 0 ? now + SAME_MOMENT_MS + JITTER_MS : null;
    const judge = () => void this.#judgeOrder(overtaken, sent, server, until);
    setTimeout(() => setImmediate(judge), SAME_MOMENT_MS + lateMs);
  }

  /** It may have come by another shard than those who wait, by which it has overtaken nobody. */
  #isElsewhere(sent: Sent): boolean {
    if (this.settings.shards === 1) return false;
    // One that is to be stored later waits wherever others do.
    if (isDeferring(sent.plan.client)) return sent.stored === null;
    return this.#hasMoved || this.losses.some(({ to }) => to > this.now() - REMEMBERED_MS);
  }

  /** A client's requests may be at two shards, which keep neither order nor limits together. */
  get #hasMoved(): boolean {
    const isLately = (at: number) => at > this.now() - REMEMBERED_MS;
    return [...this.reshards, ...this.#moves].some(isLately);
  }

  /**
   * How long the objects were gone of late, while others lived on. Whoever was sent meanwhile could tell nobody when it came,
   * and those who had waited before knew their turn.
   */
  #outageMs(): number {
    const isOfLate = ({ isolates, to }: Kill) => isolates.includes(0) && to > this.now() - REMEMBERED_MS;
    const outages = this.kills.filter(isOfLate).map(({ from, to }) => Math.min(to, this.now()) - from);
    return OUTAGE_SHARE * Math.max(0, ...outages);
  }

  /** `until`: whoever has a server by then has gone at the same moment; `null`: by now. */
  async #judgeOrder(overtaken: Sent, sent: Sent, server: string, until: number | null): Promise<void> {
    if (this.#isElsewhere(sent)) return;
    // Of the end of a stored one perhaps nobody has been told.
    if (overtaken.stored && !(await overtaken.stored.isQueued())) return;
    const wentAt = [...overtaken.jobs.map(({ readAt }) => readAt), overtaken.endedAt ?? []].flat();
    if (wentAt.some((at) => at <= (until ?? this.now()))) return;
    const { stored } = overtaken;
    const overtakenDue = (stored?.acceptedAt ?? overtaken.sentAt) - overtaken.plan.aheadMs;
    const laterMs = sent.sentAt - sent.plan.aheadMs - overtakenDue;
    // It had failed, and has been put on the list again meanwhile.
    if (laterMs <= 0) return;
    const was = `${overtaken.plan.id}${stored ? " was accepted" : ""}`;
    const text = `${server} got ${sent.plan.id}, due ${laterMs.toFixed(0)} ms after ${was}, which no server has`;
    this.break("order", text, [overtaken, sent]);
  }
}

/** Its server has done all that it had in mind. */
function isAnswered({ headAt, sick, brokeAt, cutAt, turnedAwayAt, gaveUpAt }: Job): boolean {
  const failures = [brokeAt, cutAt, turnedAwayAt, gaveUpAt];
  return (headAt !== null || sick) && failures.every((at) => at === null);
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
