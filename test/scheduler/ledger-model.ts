import type { Drain } from "../../src/scheduler/drain.ts";
import type { Counts } from "../../src/scheduler/record/counters.ts";
import type { PoolEvent } from "../../src/scheduler/record/events.ts";
import type { Changes } from "../../src/scheduler/record/outbox.ts";
import type { Restored, Scheduler } from "../../src/scheduler/scheduler.ts";
import type { RegisteredRow, ServerRow, SlotRow } from "../../src/scheduler/terms/rows.ts";

import type { WakeRecord } from "../../src/scheduler/wake.ts";

/** A stored request that has not ended, by the ticket of its present attempt. */
interface DeferredRow {
  token: number;
  since: number;
  expiresAt: number;
  hashKey?: number | undefined;
  flow?: string | undefined;
  aheadMs: number;
}

/** What survives a crash: each part of it as it was when the pool last wrote it. */
export class LedgerModel {
  /** Those that are not free. */
  readonly slots = new Map<string, SlotRow>();
  readonly servers = new Map<string, ServerRow>();
  /** By identity. */
  readonly registered = new Map<string, RegisteredRow>();
  readonly deferred = new Map<string, DeferredRow>();
  events: readonly PoolEvent[] = [];
  #drain: Drain | null = null;
  #regrouping = false;
  #lastWake: WakeRecord | null = null;
  #counts: Partial<Counts> = {};

  write(changes: Changes, scheduler: Scheduler, now: number): void {
    for (const { server, index, state, lease, flow, hop, since, until, lost } of changes.slots) {
      const key = `${server.identity}/${index}`;
      const { name, identity, url, binding } = server;
      if (state === "free") this.slots.delete(key);
      else
        this.slots.set(key, {
          server: { name, identity, url, binding },
          index,
          state,
          lease,
          flow,
          hop,
          since,
          until,
          lost,
        });
    }
    for (const [identity, row] of changes.registered) {
      if (row === null) this.registered.delete(identity);
      else {
        const { name, url, binding, slots, weight, backup, since, by, expiresAt } = row;
        this.registered.set(identity, {
          ...{ name, identity, url, binding, slots, weight, backup, since, by, expiresAt },
        });
      }
    }
    for (const name of changes.left) this.servers.delete(name);
    for (const row of changes.servers.values()) this.servers.set(row.name, structuredClone(row));
    if (changes.drainChanged) this.#drain = structuredClone(scheduler.currentDrain);
    if (changes.wakeChanged) this.#lastWake = structuredClone(scheduler.lastWake);
    if (changes.regroupChanged) this.#regrouping = scheduler.regrouping;
    this.#writeEvents(scheduler, now);
  }

  /** As the pool does it when it starts. */
  forgetServersBut(servers: readonly { name: string; identity: string }[]): void {
    for (const name of this.servers.keys())
      if (!servers.some((one) => one.name === name)) this.servers.delete(name);
    for (const identity of this.registered.keys())
      if (!servers.some((one) => one.identity === identity)) this.registered.delete(identity);
  }

  /** `counts`: a copy, which nobody changes. */
  writeCounts(counts: Counts): void {
    this.#counts = counts;
  }

  /** True if a slot is closed for this ticket. */
  hasSlot(ticket: string): boolean {
    return [...this.slots.values()].some(({ lease }) => lease === ticket);
  }

  /** A further attempt of a stored request has another ticket. */
  renameDeferred(from: string, to: string): void {
    const row = this.deferred.get(from);
    if (!row) throw new Error(`no such request: ${from}`);
    this.deferred.delete(from);
    this.deferred.set(to, row);
  }

  /** `lets`: the configuration lets servers register. */
  load(now = 0, lets = false): Restored {
    const deferred = [...this.deferred]
      .filter(([id]) => !this.hasSlot(id))
      .map(([id, { since, hashKey, flow, ...row }]) => {
        const key = hashKey === undefined ? {} : { hashKey };
        return { id, ...row, waitedMs: now - since, ...key, ...(flow === undefined ? {} : { flow }) };
      });
    return structuredClone({
      slots: [...this.slots.values()],
      servers: [...this.servers.values()],
      registered: [...this.registered.values()].map((row) => ({ ...row, allowed: lets })),
      drain: this.#drain,
      regrouping: this.#regrouping,
      lastWake: this.#lastWake,
      deferred,
      counts: this.#counts,
      events: [...this.events],
    });
  }

  #writeEvents({ journal }: Scheduler, now: number): void {
    const { written, dropped } = journal.take(now);
    if (written.length + dropped.length === 0) return;
    const kept = new Map(this.events.map((event) => [event.id, event]));
    for (const event of written) kept.set(event.id, structuredClone(event));
    for (const id of dropped) kept.delete(id);
    this.events = [...kept.values()];
  }
}

/** What a ledger brings back that kept these parts, and nothing else. */
export function restoredWith(parts: Partial<Restored> = {}): Restored {
  return { ...new LedgerModel().load(), ...parts };
}

/** Of a drain that cuts nothing off, and in which requests wait. */
export const UNCUT = { cutAt: null, isCut: false, stop: null } as const;
