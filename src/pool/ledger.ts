import { addressOf } from "../config/server-identity.ts";
import type { Drain } from "../scheduler/drain.ts";
import type { Counts } from "../scheduler/record/counters.ts";
import type { PoolEvent } from "../scheduler/record/events.ts";
import type { JournalChanges } from "../scheduler/record/journal.ts";
import type { Changes } from "../scheduler/record/outbox.ts";
import type { Restored } from "../scheduler/scheduler.ts";
import type { Health, RegisteredRow, ServerRow, SlotRow, SlotState } from "../scheduler/terms/rows.ts";
import type { WakeRecord } from "../scheduler/wake.ts";
import { AuditLedger } from "./audit-ledger.ts";
import { DeferredLedger } from "./deferred-ledger.ts";
import { migrate } from "./schema.ts";
import { ShardLedger } from "./shards/shard-ledger.ts";

/**
 * What survives a crash or a restart of the object, in its SQLite storage. Each slot has one row, updated in place, so
 * that handing a slot from one request to the next is one write. The key is the server's identity, mostly its URL, and
 * not its name, so that a renamed server keeps its slots.
 *
 * Waiting tickets of direct requests are not kept: they return with their Workers. A lease is restored as orphaned until
 * its holder comes forward, and counts may be five seconds old.
 *
 * All calls are synchronous. The runtime holds back every answer until the writes before it are durable (output gate).
 * In an instance that has been replaced, storage throws, which is the fence against it: do not catch that error.
 */
export class Ledger {
  readonly #sql: SqlStorage;
  /** The requests whose tickets are kept, unlike those of direct ones. */
  readonly deferred: DeferredLedger;
  readonly audit: AuditLedger;
  readonly shards: ShardLedger;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    storage.transactionSync(() => migrate(this.#sql));
    this.deferred = new DeferredLedger(this.#sql);
    this.audit = new AuditLedger(this.#sql);
    this.shards = new ShardLedger(this.#sql);
  }

  load(): Omit<Restored, "deferred" | "registered"> & { registered: RegisteredRow[] } {
    return {
      slots: this.#loadSlots(),
      servers: this.#loadServers(),
      registered: this.#loadRegistered(),
      lastWake: this.#get<WakeRecord>("wake"),
      drain: this.#get<Drain>("drain"),
      regrouping: this.#get<boolean>("regrouping") ?? false,
      counts: this.#get<Counts>("totals") ?? {},
      events: this.#sql
        .exec<{ event: string }>("SELECT event FROM events ORDER BY id")
        .toArray()
        .map(({ event }) => JSON.parse(event) as PoolEvent),
    };
  }

  /** Writes the rows that the events of one turn changed. */
  write(
    changes: Changes,
    scheduler: {
      currentDrain: Readonly<Drain> | null;
      regrouping: boolean;
      lastWake: Readonly<WakeRecord> | null;
    },
  ): void {
    for (const slot of changes.slots) this.#writeSlot(slot);
    for (const [identity, row] of changes.registered) this.#writeRegistered(identity, row);
    for (const name of changes.left) this.#sql.exec("DELETE FROM servers WHERE server = ?", name);
    for (const server of changes.servers.values()) this.#writeServer(server);
    if (changes.drainChanged) this.#put("drain", scheduler.currentDrain);
    if (changes.regroupChanged) this.#put("regrouping", scheduler.regrouping);
    if (changes.wakeChanged) this.#put("wake", scheduler.lastWake);
  }

  writeEvents({ written, dropped }: JournalChanges): void {
    for (const event of written) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO events (id, event) VALUES (?, ?)",
        event.id,
        JSON.stringify(event),
      );
    }
    for (const id of dropped) this.#sql.exec("DELETE FROM events WHERE id = ?", id);
  }

  writeCounts(counts: Counts): void {
    this.#put("totals", counts);
  }

  /**
   * Deletes the rows of all other servers. `servers`: those of the configuration, those that have registered, and those
   * with occupied slots.
   */
  forgetServersBut(servers: readonly { name: string; identity: string }[]): void {
    const [names, identities] = [new Set<string>(), new Set<string>()];
    for (const { name, identity } of servers) {
      names.add(name);
      identities.add(identity);
    }
    for (const { server } of this.#sql.exec<{ server: string }>("SELECT server FROM servers").toArray()) {
      if (!names.has(server)) this.#sql.exec("DELETE FROM servers WHERE server = ?", server);
    }
    const registered = this.#sql.exec<{ identity: string }>("SELECT identity FROM registered").toArray();
    for (const { identity } of registered) {
      if (!identities.has(identity)) this.#sql.exec("DELETE FROM registered WHERE identity = ?", identity);
    }
    const known = this.#sql.exec<{ url: string }>("SELECT DISTINCT url FROM slots").toArray();
    for (const { url } of known) {
      if (!identities.has(url)) this.#sql.exec("DELETE FROM slots WHERE url = ?", url);
    }
  }

  #loadSlots(): SlotRow[] {
    return this.#sql
      .exec<{
        identity: string;
        slot: number;
        server: string;
        state: string;
        lease: string;
        flow: string | null;
        hop: number;
        since: number;
        until: number;
        lost: number;
      }>(
        "SELECT url AS identity, slot, server, state, lease, flow, hop, since, until, lost FROM slots WHERE state <> 'free'",
      )
      .toArray()
      .map(({ identity, slot, server, state, lost, ...row }) => ({
        ...row,
        lost: lost !== 0,
        server: { name: server, identity, ...addressOf(identity) },
        index: slot,
        state: state as SlotState,
      }));
  }

  #loadServers(): ServerRow[] {
    return this.#sql
      .exec<{
        name: string;
        override: string;
        health: string;
        stateSince: number | null;
        healthSince: number | null;
      }>(
        `SELECT server AS name, override, health, state_since AS stateSince, health_since AS healthSince
         FROM servers`,
      )
      .toArray()
      .map((row) => ({ ...row, override: JSON.parse(row.override), health: row.health as Health }));
  }

  #loadRegistered(): RegisteredRow[] {
    return this.#sql
      .exec<{
        identity: string;
        name: string;
        slots: number | null;
        weight: number;
        backup: number;
        since: number;
        by: string;
        expiresAt: number | null;
      }>(
        `SELECT identity, server AS name, slots, weight, backup, since, by, expires_at AS expiresAt
         FROM registered ORDER BY since, server`,
      )
      .toArray()
      .map(({ backup, expiresAt, ...row }) => ({
        ...row,
        ...addressOf(row.identity),
        backup: backup !== 0,
        expiresAt: expiresAt ?? Number.POSITIVE_INFINITY,
      }));
  }

  #writeRegistered(identity: string, row: RegisteredRow | null): void {
    if (row === null) {
      this.#sql.exec("DELETE FROM registered WHERE identity = ?", identity);
      this.#sql.exec("DELETE FROM slots WHERE url = ? AND state = 'free'", identity);
      return;
    }
    this.#sql.exec(
      `INSERT OR REPLACE INTO registered (identity, server, slots, weight, backup, since, by, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      identity,
      row.name,
      row.slots,
      row.weight,
      row.backup ? 1 : 0,
      row.since,
      row.by,
      Number.isFinite(row.expiresAt) ? row.expiresAt : null,
    );
  }

  #writeSlot(slot: SlotRow): void {
    const until = Number.isFinite(slot.until) ? slot.until : 0;
    this.#sql.exec(
      `INSERT OR REPLACE INTO slots (url, slot, server, state, lease, flow, hop, since, until, lost)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      slot.server.identity,
      slot.index,
      slot.server.name,
      slot.state,
      slot.lease,
      slot.flow,
      slot.hop,
      slot.since,
      until,
      slot.lost ? 1 : 0,
    );
  }

  #writeServer(server: ServerRow): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO servers (server, override, health, state_since, health_since)
       VALUES (?, ?, ?, ?, ?)`,
      server.name,
      JSON.stringify(server.override),
      server.health,
      server.stateSince,
      server.healthSince,
    );
  }

  #get<T>(key: string): T | null {
    const row = this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", key).toArray()[0];
    return row ? JSON.parse(row.value) : null;
  }

  #put(key: string, value: unknown): void {
    this.#sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, JSON.stringify(value));
  }
}
