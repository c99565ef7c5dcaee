import { setTimeout as sleep } from "node:timers/promises";
import type { DrainSnapshot, Snapshot } from "../../src/scheduler/snapshot.ts";
import type { Sluice } from "../support/sluice.ts";
import type { Journal } from "./journal.ts";
import { CHECK_TIMEOUT_MS, longestLeaseMs, longestLostMs, type PoolName, STOP_MESSAGE } from "./pool.ts";
import type { Runtime } from "./runtime.ts";
import type { Deploy, Stop } from "./schedule.ts";
import type { ChaosServer } from "./servers/server.ts";

/** What a busy machine may add to the time in which every lease ends. */
const RESIZE_ROOM_MS = 5_000;
/** What got a slot before a cut may come to its server so much later. */
const UNDER_WAY_MS = 250;
/** A server whose slots are all taken has nothing to do for so long only if their holders are gone. */
const IDLE_MS = 2_000;
/** Who has found no such moment by then leaves it to the leases' time to live. */
const IDLE_WITHIN_MS = 8_000;

/** Who drains, resumes and changes servers through the admin side; any answer but the expected one is an error. */
export class Operator {
  readonly #pool: PoolName;
  readonly #runtime: Runtime;
  readonly #journal: Journal;
  readonly #servers: ChaosServer[];
  /** Changes of a server's slots, one after another. */
  readonly #resizing = new Map<ChaosServer, Promise<void>>();
  #deploys = 0;

  constructor(runtime: Runtime, journal: Journal, servers: ChaosServer[]) {
    this.#pool = journal.settings.pool;
    this.#runtime = runtime;
    this.#journal = journal;
    this.#servers = servers;
  }

  async change(server: ChaosServer, patch: Record<string, unknown>): Promise<void> {
    const path = `/api/pools/${this.#pool}/servers/${server.name}`;
    const askedAt = this.#journal.now();
    const response = await this.#runtime.through((sluice) => sluice.admin("PATCH", path, patch));
    await expectStatus(response, 200);
    server.sickness.interrupted(askedAt);
    this.#journal.event(`operator: ${server.name} ${JSON.stringify(patch)}`);
  }

  /** What is still in flight at the server after `cutMs` is cut off. */
  async takeOut(server: ChaosServer, state: "drain" | "maint", cutMs: number | null): Promise<void> {
    await this.#cutting(cutMs, () => this.change(server, { state, ...cutAfter(cutMs) }));
  }

  /** The server must never be given more than it can do: it grows before the pool knows, and shrinks after. */
  resize(server: ChaosServer, slots: number): Promise<void> {
    const before = this.#resizing.get(server) ?? Promise.resolve();
    const done = before.then(async () => {
      if (slots > server.workload.slots) server.workload.slots = slots;
      await this.change(server, { slots });
      await this.#untilAtMost(slots, server);
      // A health check has a slot too, and none of those in flight. One that was sent before may still be on its way.
      if (slots < server.workload.slots) await sleep(CHECK_TIMEOUT_MS);
      while (server.workload.checks > 0 && server.workload.jobs <= slots) await sleep(5);
      server.workload.slots = slots;
    });
    this.#resizing.set(
      server,
      done.catch(() => {}),
    );
    return done;
  }

  async deploy({ waitMs, expiresMs, cutMs, holdMs, restart, resumes }: Deploy): Promise<void> {
    const owner = `deploy-${++this.#deploys}`;
    const times = { wait: `${waitMs}ms`, expires: `${expiresMs}ms`, ...cutAfter(cutMs) };
    const snapshot = await this.#cutting(cutMs, () =>
      this.#begin((sluice) => sluice.drain(this.#pool, { owner, ...times, reason: "chaos" })),
    );
    if (!snapshot) return this.#journal.operation("drain held by another", `${owner} is held`);
    const { state, drain } = snapshot;
    this.#journal.event(`operator: ${owner}'s drain is answered: ${state}`);
    if (state === "drained" && drain) {
      this.#journal.operation("drained in time", `${owner}: drained`);
      await this.#expectIdleUntil(drain);
      if (restart) this.#restartAll(holdMs / 2);
    }
    await sleep(holdMs);
    if (resumes) await this.resume(owner);
  }

  /** Whoever comes meanwhile, or waits, is refused. */
  async stop({ expiresMs, cutMs, holdMs, resumes }: Stop): Promise<void> {
    const owner = `stop-${++this.#deploys}`;
    const request = { owner, message: STOP_MESSAGE, expires: `${expiresMs}ms`, ...cutAfter(cutMs) };
    const stop = this.#journal.beginStop();
    const snapshot = await this.#cutting(cutMs, () =>
      this.#begin((sluice) => sluice.stopPool(this.#pool, request)),
    );
    if (!snapshot) {
      stop.to = this.#journal.now();
      return this.#journal.operation("stop held by another", `${owner} is held`);
    }
    this.#journal.event(`operator: ${owner} is answered: ${snapshot.state}`);
    await sleep(holdMs);
    if (resumes) await this.resume(owner);
    else await this.#untilOver(owner);
    stop.to = this.#journal.now();
  }

  async resume(owner: string, force = false): Promise<void> {
    this.#journal.drainedUntil = Number.NEGATIVE_INFINITY;
    const response = await this.#runtime.through((sluice) => sluice.resume(this.#pool, { owner, force }));
    // Its own drain may have ended by itself, and another one have begun.
    await expectStatus(response, 200, ...(force ? [] : [409]));
    this.#journal.event(`operator: ${owner} resumes: ${response.status}`);
  }

  /**
   * Frees the slots that requests got before a kill, once the server is at work for none of them. `all`: nobody is left who
   * had one of them; else the server must have had nothing to do for a while, though its slots are taken.
   */
  async freeFormer(server: ChaosServer, killedAt: number, all: boolean): Promise<void> {
    while (server.workload.hasStray()) await sleep(20);
    if (!all && !(await this.#isIdleFor(IDLE_MS, server))) return;
    const { servers } = await this.#runtime.through((sluice) => sluice.snapshot(this.#pool));
    const leases = servers.find(({ name }) => name === server.name)?.leases ?? [];
    for (const { id } of leases.filter(({ since }) => Date.parse(since) < killedAt)) {
      if (!all && server.workload.jobs > 0) return;
      const path = `/api/pools/${this.#pool}/leases/${id}`;
      const response = await this.#runtime.through((sluice) => sluice.admin("DELETE", path));
      // Its holder may have come back, and ended it.
      await expectStatus(response, 200, 404);
      this.#journal.event(`operator: a slot of ${server.name}, of before the kill, is freed`);
    }
  }

  /** "Drained" means that no server can be at work for the pool any more, and that none will be. */
  async #expectIdleUntil({ expiresAt, cut }: DrainSnapshot): Promise<void> {
    const isCut = cut?.done === true;
    if (isCut) await sleep(UNDER_WAY_MS + this.#journal.slackMs);
    const leftMs = Date.parse(expiresAt) - Date.now();
    if (leftMs <= 0) return;
    this.#journal.drainedUntil = this.#journal.now() + leftMs;
    // What was cut off they may go on with for a while.
    if (isCut) return;
    for (const server of this.#servers) {
      if (server.workload.jobs > 0) this.#journal.break("drained", `drained, and ${server.name} is at work`);
    }
  }

  /** `null`: somebody else has drained or stopped the pool. */
  async #begin(ask: (sluice: Sluice) => Promise<Response>): Promise<Snapshot | null> {
    return this.#runtime.through(async (sluice) => {
      const response = await ask(sluice);
      if (response.status === 409) return null;
      await expectStatus(response, 200, 202);
      return (await response.json()) as Snapshot;
    });
  }

  /** Notes when what is asked for may cut requests off. */
  async #cutting<T>(cutMs: number | null, ask: () => Promise<T>): Promise<T> {
    if (cutMs === null) return ask();
    const cut = this.#journal.beginCut(cutMs);
    const asked = await ask();
    this.#journal.operation("cut", "operator: has asked for a cut");
    cut.to = this.#journal.now() + cutMs;
    return asked;
  }

  /** Its stop has ended by itself. */
  async #untilOver(owner: string): Promise<void> {
    for (;;) {
      const { drain } = await this.#runtime.through((sluice) => sluice.snapshot(this.#pool));
      if (drain?.owner !== owner) return;
      await sleep(50);
    }
  }

  #restartAll(forMs: number): void {
    this.#journal.operation("all servers restarted", "operator: all servers restart");
    for (const server of this.#servers) server.outages.restart(forMs);
  }

  /** False if it has too much to do for that. */
  async #isIdleFor(forMs: number, { workload, name }: ChaosServer): Promise<boolean> {
    const now = () => this.#journal.now();
    const arrivals = () => this.#journal.jobs.filter((job) => job.server === name).length;
    let [begun, before] = [now(), arrivals()];
    for (const end = now() + IDLE_WITHIN_MS; now() < end; await sleep(20)) {
      if (workload.jobs > 0 || arrivals() > before) [begun, before] = [now(), arrivals()];
      if (now() - begun > forMs + this.#journal.slackMs) return true;
    }
    return false;
  }

  async #untilAtMost(slots: number, server: ChaosServer): Promise<void> {
    const { settings } = this.#journal;
    // A kill may have left one without a holder. Whether each is free again in time, `HeldSlots` judges.
    const patienceMs = Math.max(longestLeaseMs(settings), longestLostMs(settings)) + RESIZE_ROOM_MS;
    for (const end = Date.now() + patienceMs; ; await sleep(20)) {
      const { servers } = await this.#runtime.through((sluice) => sluice.snapshot(this.#pool));
      if (servers.some(({ name, inFlight }) => name === server.name && inFlight <= slots)) return;
      if (Date.now() > end) throw new Error(`${server.name} still has more than ${slots} in flight`);
    }
  }
}

const cutAfter = (cutMs: number | null) => (cutMs === null ? {} : { cut: `${cutMs}ms` });

async function expectStatus(response: Response, ...expected: number[]): Promise<void> {
  if (!expected.includes(response.status)) throw new Error(`${response.status} ${await response.text()}`);
}
