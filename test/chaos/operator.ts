import { setTimeout as sleep } from "node:timers/promises";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import type { Journal } from "./journal.ts";
import { CHECK_TIMEOUT_MS, longestLeaseMs, type PoolName } from "./pool.ts";
import type { Runtime } from "./runtime.ts";
import type { Deploy } from "./schedule.ts";
import type { ChaosServer } from "./servers/server.ts";

/** What a busy machine may add to the time in which every lease ends. */
const RESIZE_ROOM_MS = 5_000;

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
    this.#pool = journal.settings.on_client_abort;
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

  async deploy({ waitMs, expiresMs, holdMs, restart, resumes }: Deploy): Promise<void> {
    const owner = `deploy-${++this.#deploys}`;
    const request = { owner, wait: `${waitMs}ms`, expires: `${expiresMs}ms`, reason: "chaos" };
    const snapshot = await this.#runtime.through(async (sluice) => {
      const response = await sluice.drain(this.#pool, request);
      if (response.status === 409) return null;
      await expectStatus(response, 200, 202);
      return (await response.json()) as Snapshot;
    });
    if (!snapshot) return this.#journal.operation("drain held by another", `${owner} is held`);
    const { state, drain } = snapshot;
    this.#journal.event(`operator: ${owner}'s drain is answered: ${state}`);
    if (state === "drained" && drain) {
      this.#journal.operation("drained in time", `${owner}: drained`);
      await this.#expectIdleUntil(drain.expiresAt);
      if (restart) this.#restartAll(holdMs / 2);
    }
    await sleep(holdMs);
    if (resumes) await this.resume(owner);
  }

  async resume(owner: string, force = false): Promise<void> {
    this.#journal.drainedUntil = Number.NEGATIVE_INFINITY;
    const response = await this.#runtime.through((sluice) => sluice.resume(this.#pool, { owner, force }));
    // Its own drain may have ended by itself, and another one have begun.
    await expectStatus(response, 200, ...(force ? [] : [409]));
    this.#journal.event(`operator: ${owner} resumes: ${response.status}`);
  }

  /** Frees the slots that requests got before the runtime was killed, once the server is at work for none of them. */
  async freeFormer(server: ChaosServer, killedAt: number): Promise<void> {
    while (server.workload.hasStray()) await sleep(20);
    const { servers } = await this.#runtime.through((sluice) => sluice.snapshot(this.#pool));
    const leases = servers.find(({ name }) => name === server.name)?.leases ?? [];
    for (const { id } of leases.filter(({ since }) => Date.parse(since) < killedAt)) {
      const path = `/api/pools/${this.#pool}/leases/${id}`;
      const response = await this.#runtime.through((sluice) => sluice.admin("DELETE", path));
      // Its holder may have come back, and ended it.
      await expectStatus(response, 200, 404);
      this.#journal.event(`operator: a slot of ${server.name}, of before the kill, is freed`);
    }
  }

  /** "Drained" means that no server can be at work for the pool any more, and that none will be. */
  async #expectIdleUntil(instant: string): Promise<void> {
    const leftMs = Date.parse(instant) - Date.now();
    if (leftMs <= 0) return;
    this.#journal.drainedUntil = this.#journal.now() + leftMs;
    for (const server of this.#servers) {
      if (server.workload.jobs > 0) this.#journal.break("drained", `drained, and ${server.name} is at work`);
    }
  }

  #restartAll(forMs: number): void {
    this.#journal.operation("all servers restarted", "operator: all servers restart");
    for (const server of this.#servers) server.outages.restart(forMs);
  }

  async #untilAtMost(slots: number, server: ChaosServer): Promise<void> {
    const patienceMs = longestLeaseMs(this.#journal.settings) + RESIZE_ROOM_MS;
    for (const end = Date.now() + patienceMs; ; await sleep(20)) {
      const { servers } = await this.#runtime.through((sluice) => sluice.snapshot(this.#pool));
      if (servers.some(({ name, inFlight }) => name === server.name && inFlight <= slots)) return;
      if (Date.now() > end) throw new Error(`${server.name} still has more than ${slots} in flight`);
    }
  }
}

async function expectStatus(response: Response, ...expected: number[]): Promise<void> {
  if (!expected.includes(response.status)) throw new Error(`${response.status} ${await response.text()}`);
}
