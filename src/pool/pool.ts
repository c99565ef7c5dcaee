import { DurableObject } from "cloudflare:workers";
import type { PoolConfig } from "../config/types.ts";
import type {
  AcquireRequest,
  Done,
  DrainAnswer,
  DrainRequest,
  Ending,
  Granted,
  NotGranted,
  OnQueued,
  OtherState,
  PoolMetrics,
  Queued,
} from "../link/protocol.ts";
import type { ServerPatch, ServerState, Slot } from "../scheduler/fleet/server.ts";
import type { Counts } from "../scheduler/record/counters.ts";
import type { Decision, Outbox, Question } from "../scheduler/record/outbox.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { type Snapshot, snapshotOf } from "../scheduler/snapshot.ts";
import { Asker } from "./asker.ts";
import { Conditions } from "./conditions.ts";
import { GroupCommit } from "./group-commit.ts";
import { LeaseHandle, WatchHandle } from "./handles.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Ledger } from "./ledger.ts";
import { Lookout } from "./lookout.ts";
import { settingsOf } from "./settings.ts";
import { Waiters } from "./waiters.ts";
import { Wakeups } from "./wakeups.ts";

/** How many places one write of the ledger covers. */
const SEQ_BLOCK = 1_000_000;

/**
 * One pool's Durable Object: the only one who gives out its slots. It decides nothing itself, the scheduler
 * does; it writes what was decided to the ledger and only then tells those who wait.
 *
 * Everything in memory but the ledger is lost in a restart: waiting tickets come back with their Workers,
 * holders of leases when they renew or release.
 */
export class Pool extends DurableObject<{ POOLS?: unknown }> {
  readonly #ledger: Ledger;
  readonly #scheduler: Scheduler;
  readonly #settings: PoolConfig;
  readonly #waiters = new Waiters((id) => this.#left(id));
  readonly #handles = new Map<string, LeaseHandle>();
  readonly #commit = new GroupCommit(() => this.#flush());
  readonly #conditions = new Conditions();
  readonly #asker: Asker;
  readonly #wakeups: Wakeups;
  readonly #heartbeat: Heartbeat;
  readonly #lookout: Lookout;
  #reservedSeqs: number;

  constructor(ctx: DurableObjectState, env: { POOLS?: unknown }) {
    super(ctx, env);
    const { name } = ctx.id;
    if (name === undefined) throw new Error("a pool's object goes by its name");
    const { settings, configured } = settingsOf(env, name);
    this.#settings = settings;
    this.#asker = new Asker(this.#settings);
    this.#ledger = new Ledger(ctx.storage);
    const restored = this.#ledger.load();
    this.#reservedSeqs = restored.nextSeq;
    this.#scheduler = new Scheduler(this.#settings, restored, Date.now(), Math.random, () =>
      crypto.randomUUID(),
    );
    if (configured) this.#forgetFormerServers();
    this.#lookout = new Lookout(name, this.#scheduler, Date.now());
    this.#wakeups = new Wakeups(ctx.storage, () => this.#tick());
    this.#heartbeat = new Heartbeat(() => {
      // Also the proof that this instance is still the current one.
      this.#writeCounts(this.#scheduler.counters.counts);
      return this.#waiters.size > 0;
    });
    this.#commit.now();
    this.#wakeups.setAlarmForAll(this.#scheduler.servers);
  }

  // ── Workers ──

  /**
   * Resolves with a slot as soon as it is this ticket's turn; if that takes a while, first with its place, which
   * then knows its turn. Asked again, the ticket keeps its place.
   */
  enter(request: AcquireRequest): Promise<Granted | Queued | NotGranted> {
    const answer = this.#waiters.add(request.id);
    const now = Date.now();
    const awaited = this.#release(request.done ?? [], now);
    if (this.#scheduler.nextTick() <= now) this.#scheduler.tick(now);
    this.#scheduler.acquire(request, now);
    if (awaited || this.#scheduler.asks) this.#commit.now();
    // It waits: whether that is on record yet makes no difference to anyone.
    else if (this.#scheduler.queued > 0) void this.#commit.later();
    // With nobody to share a transaction with, waiting for one would only take time.
    else if (this.#alone) this.#commit.now();
    else void this.#commit.soon();
    return answer;
  }

  /** `enter`, for Workers of before 2026-11-22. */
  async acquire(request: AcquireRequest, onQueued: OnQueued): Promise<Granted | NotGranted> {
    const answer = await this.enter(request);
    if (answer.granted || answer.code !== "queued") return answer;
    const { place, seq } = answer;
    // A Worker that cannot be told is gone; the runtime then disposes the place, and the ticket leaves.
    Promise.resolve(onQueued(place, seq)).catch(() => place.leave());
    return place.turn();
  }

  /** The client of a ticket that waits has left, and the ticket was not told its place yet. */
  leave(id: string): void {
    this.#waiters.leave(id);
  }

  /** Servers are done with these requests. Harmless when repeated; resolves when it is on record. */
  done(requests: Done[]): Promise<void> {
    const awaited = this.#release(requests, Date.now());
    const committed = this.#commit.later();
    // A slot stands idle until its next request knows of it, or its server of its check.
    if (awaited || this.#scheduler.asks) this.#commit.now();
    return committed;
  }

  /**
   * For who holds a slot for long, or held it when an earlier instance went: from now on the pool learns at once
   * when its holder is gone. `null`: the slot is no longer its own.
   */
  attach(id: string): LeaseHandle | null {
    if (!this.#scheduler.renew(id, Date.now())) return null;
    this.#commit.soon();
    return this.#newHandle(id);
  }

  /** How a request ended otherwise; harmless when repeated. Workers of before 2026-11-22 say "done" here too. */
  end(id: string, ending: Ending, retried = false, status?: number): Promise<void> {
    this.#handles.delete(id);
    const now = Date.now();
    if (ending === "done") this.#scheduler.release(id, now, status);
    else if (ending === "unused") this.#scheduler.giveBack(id, now);
    else this.#scheduler.cutOff(id, ending, now, retried, status);
    // The holder forgets its lease when this resolves: not before the ledger has.
    return this.#commit.soon();
  }

  /**
   * The server says that it is busy for somebody else, and has nothing of this request: its slot rests for so long.
   * The request comes back with its place. Harmless when repeated.
   */
  busy(id: string, restMs: number): Promise<void> {
    this.#handles.delete(id);
    this.#scheduler.busy(id, restMs, Date.now());
    return this.#commit.soon();
  }

  // ── Those who look ──

  snapshot(): Snapshot {
    // What is shown is on record: the runtime holds the answer back until it is.
    this.#commit.now();
    return snapshotOf(this.#settings.name, this.#scheduler, Date.now());
  }

  watch(): WatchHandle {
    return new WatchHandle((seen, history) => {
      const now = Date.now();
      // What is shown is on record here too; and without a change it is not made anew.
      if (this.#commit.pending) this.#commit.now();
      this.#write(() => this.#ledger.writeEvents(this.#scheduler.journal.take(now)));
      return this.#lookout.look(seen, history, now);
    });
  }

  /** For a scrape. The runtime holds the answer back until the counts are durable: none of them goes back. */
  metrics(): PoolMetrics {
    const counts = this.#scheduler.counters.tell();
    this.#writeCounts(counts);
    return { snapshot: this.snapshot(), counts };
  }

  // ── Operator ──

  drain(request: DrainRequest): DrainAnswer {
    const now = Date.now();
    const { owner, reason, expiresMs, extend } = request;
    const expiresAt = expiresMs === null ? null : now + expiresMs;
    const started = this.#scheduler.drain({ owner, reason, expiresAt, extend }, now);
    return this.#drainAnswer(started);
  }

  resume(owner: string, force: boolean): DrainAnswer {
    return this.#drainAnswer(this.#scheduler.resume(owner, force, Date.now()));
  }

  /** Waits until nothing is in flight, the drain is over, or `timeoutMs` have passed. */
  async whenDrained(timeoutMs: number): Promise<Snapshot> {
    const settled = () => !this.#scheduler.drained || this.#scheduler.inFlight === 0;
    await this.#conditions.until(settled, timeoutMs);
    return this.snapshot();
  }

  /** `null`: no such server. Workers of before 2026-11-22 make no condition. */
  changeServer(name: string, patch: ServerPatch, ifState?: ServerState): Snapshot | OtherState | null {
    const server = this.#scheduler.servers.find((one) => one.name === name && !one.retired);
    if (!server) return null;
    if (!server.allows(patch, ifState)) return { otherState: server.state };
    this.#scheduler.changeServer(name, patch, Date.now());
    return this.snapshot();
  }

  /** `null`: no such lease. */
  freeLease(id: string): Snapshot | null {
    if (!this.#scheduler.freeLease(id, Date.now())) return null;
    this.#handles.delete(id);
    return this.snapshot();
  }

  // ── Platform ──

  override alarm(): void {
    this.#wakeups.rang();
    this.#tick();
    this.#wakeups.setAlarmForAll(this.#scheduler.servers);
  }

  // ── Inside ──

  /** With at most one request under way. */
  get #alone(): boolean {
    return this.#scheduler.inFlight <= 1;
  }

  #forgetFormerServers(): void {
    const { servers, counters } = this.#scheduler;
    this.#ledger.forgetServersBut(servers);
    counters.forgetServersBut(new Set(servers.map(({ name }) => name)));
  }

  /** Whether tickets were waiting for what came free, or a drain for its end. */
  #release(requests: Done[], now: number): boolean {
    const wanted = this.#scheduler.queued > 0 || this.#scheduler.drained !== null;
    for (const { id, status } of requests) {
      this.#handles.delete(id);
      this.#scheduler.release(id, now, status);
    }
    return wanted && requests.length > 0;
  }

  #left(id: string): void {
    // Granted in this very turn, and not told yet: then nothing was sent to the server.
    if (!this.#scheduler.leave(id)) this.#scheduler.giveBack(id, Date.now());
    this.#commit.soon();
  }

  #newHandle(id: string): LeaseHandle {
    const handle = new LeaseHandle({
      end: (ending, retried, status) => this.end(id, ending, retried, status),
      renew: () => this.#renew(id),
      // A handle that was replaced or has ended says nothing about its lease any more.
      dispose: () => this.#handles.get(id) === handle && this.end(id, "lost"),
    });
    this.#handles.set(id, handle);
    return handle;
  }

  #renew(id: string): boolean {
    const renewed = this.#scheduler.renew(id, Date.now());
    this.#commit.soon();
    return renewed;
  }

  #tick(): void {
    this.#scheduler.tick(Date.now());
    this.#commit.now();
  }

  #drainAnswer(done: boolean): DrainAnswer {
    return { held: !done, snapshot: this.snapshot() };
  }

  /** Ledger first, then the answers; no `await` in between. */
  #flush(): void {
    const outbox = this.#scheduler.takeOutbox();
    this.#write(() => {
      this.#ledger.write(outbox, this.#scheduler);
      this.#ledger.writeEvents(this.#scheduler.journal.take(Date.now()));
      // Rare enough to be written with what it counts.
      if (outbox.drainChanged) this.#ledger.writeCounts(this.#scheduler.counters.counts);
      this.#reserveSeqs(outbox);
    });
    this.#lookout.changed(Date.now());
    for (const decision of outbox.decisions) this.#tell(decision);
    for (const question of outbox.questions) void this.#ask(question);
    const idle = this.#waiters.size === 0 && this.#scheduler.inFlight === 0;
    this.#wakeups.set(this.#scheduler, outbox.slots, idle);
    if (outbox.decisions.length > 0 || outbox.slots.size > 0) this.#heartbeat.start();
    this.#conditions.changed();
  }

  /** Together with what they count: else a request whose end is told again after a crash counts twice. */
  #writeCounts(counts: Counts): void {
    this.#commit.now();
    this.#write(() => this.#ledger.writeCounts(counts));
  }

  #write(changes: () => void): void {
    try {
      changes();
    } catch (error) {
      // An instance that cannot write must not go on: it may have been replaced, and its memory is ahead.
      this.ctx.abort(`the ledger cannot be written: ${error}`);
      throw error;
    }
  }

  #tell(decision: Decision): void {
    const { kind, ticket } = decision;
    // A drain may take long: nobody in it shall lose even the youngest place to a restart.
    if (kind === "queued") this.#waiters.queued(ticket, decision.seq, this.#scheduler.drained !== null);
    else if (kind === "refuse") this.#waiters.answer(ticket, { granted: false, code: decision.code });
    else this.#waiters.answer(ticket, this.#granted(decision.slot, decision.seq));
  }

  #granted({ server: { name, url } }: Slot, seq: number | null): Granted {
    const unhurried = this.#scheduler.hasFreeSlot;
    return { granted: true, server: { name, url }, seq, alone: unhurried && this.#alone, unhurried };
  }

  async #ask(question: Question): Promise<void> {
    const { result, late } = await this.#asker.ask(question);
    if (question.kind === "probe") {
      this.#scheduler.probed(question.server, result === "passed", question.askedAt, Date.now());
    } else {
      this.#scheduler.checked(question.id, result, Date.now());
      void late?.then((end) => {
        this.#scheduler.checkedLate(question.id, end, Date.now());
        this.#commit.soon();
      });
    }
    this.#commit.soon();
  }

  /** A seq that was told must never be given again, by no later instance: they are reserved in blocks. */
  #reserveSeqs(outbox: Outbox): void {
    const told = outbox.decisions.some((decision) => decision.kind !== "refuse");
    if (!told || this.#scheduler.nextSeq <= this.#reservedSeqs) return;
    this.#reservedSeqs = this.#scheduler.nextSeq + SEQ_BLOCK;
    this.#ledger.reserveSeqs(this.#reservedSeqs);
  }
}
