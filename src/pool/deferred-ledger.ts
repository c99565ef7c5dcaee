import {
  type DeferRequest,
  type DeferredEnd,
  type DeferredEndState,
  type DeferredEntry,
  type DeferredState,
  END_STATES,
  type EndedDeferred,
} from "../link/deferral.ts";
import type { SchedulerRefusal } from "../scheduler/terms/lease-end.ts";

/** A deferred request that has not ended, as the pool keeps it in memory. Times are in ms since the epoch. */
export interface DeferredRow {
  /** Rises with each request; its key in the ledger. */
  number: number;
  id: string;
  /** Of its present attempt. */
  ticket: string;
  token: number;
  since: number;
  expiresAt: number;
  /** See `TicketRequest`; `null`: it has none. */
  hashKey: number | null;
  /** See `TicketRequest`; `null`: it has none. */
  flow: string | null;
  aheadMs: number;
  /** It will get no slot, and its object is still to be told so. */
  refused: SchedulerRefusal | null;
  /** The shard of which its present attempt has a slot; `null`: it waits, or has one of this object. */
  lender: number | null;
}

/**
 * Deferred requests in the pool's ledger: those that wait or run, which a restart brings back without anybody's help,
 * and in a table of their own those that have ended and are kept, so that neither a restart nor a grant reads these.
 */
export class DeferredLedger {
  readonly #sql: SqlStorage;
  readonly #kept: Record<DeferredEndState, number> = { answered: 0, failed: 0, canceled: 0 };
  #latestNumber: number;

  /** The tables must exist already. */
  constructor(sql: SqlStorage) {
    this.#sql = sql;
    for (const { state, count } of sql.exec<{ state: DeferredEndState; count: number }>(
      "SELECT state, COUNT(*) AS count FROM deferred_ended GROUP BY state",
    ))
      this.#kept[state] = count;
    const latest = ["deferred", "deferred_ended"].flatMap((table) =>
      sql.exec<{ latest: number | null }>(`SELECT MAX(number) AS latest FROM ${table}`).toArray(),
    );
    this.#latestNumber = Math.max(0, ...latest.map((row) => row.latest ?? 0));
  }

  /** How many of each end are kept. */
  get kept(): Readonly<Record<DeferredEndState, number>> {
    return this.#kept;
  }

  load(): DeferredRow[] {
    const rows = this.#sql.exec<{
      number: number;
      id: string;
      ticket: string;
      token: number;
      since: number;
      expiresAt: number;
      hashKey: number | null;
      flow: string | null;
      aheadMs: number;
      refused: string | null;
      lender: number | null;
    }>(
      `SELECT number, id, ticket, token, since, expires_at AS expiresAt, hash_key AS hashKey, flow,
              ahead_ms AS aheadMs, refused, lender
       FROM deferred ORDER BY number`,
    );
    // Ten thousand may wait: the rows of a cursor take more memory than objects of their own.
    return rows.toArray().map(({ refused, ...row }) => {
      return { ...row, refused: refused as SchedulerRefusal | null };
    });
  }

  /** Returns the number of the new row. */
  insert(request: DeferRequest, row: Omit<DeferredRow, "number">): number {
    const number = ++this.#latestNumber;
    this.#sql.exec(
      `INSERT INTO deferred
         (number, id, ticket, token, since, expires_at, hash_key, flow, ahead_ms, refused, method, path)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      number,
      row.id,
      row.ticket,
      row.token,
      row.since,
      row.expiresAt,
      row.hashKey,
      row.flow,
      row.aheadMs,
      row.refused,
      request.method,
      request.path,
    );
    if (request.key !== null) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO deferred_keys (key, id, fingerprint) VALUES (?, ?, ?)",
        request.key,
        row.id,
        request.fingerprint,
      );
    }
    if (request.former !== null) this.#deleteEnded(request.former, row.id);
    return number;
  }

  /** Writes what may change before the end. */
  update({ number, ticket, refused, lender }: DeferredRow): void {
    this.#sql.exec(
      "UPDATE deferred SET ticket = ?, refused = ?, lender = ? WHERE number = ?",
      ticket,
      refused,
      lender,
      number,
    );
  }

  /** The request that came with this key; `null`: none is known. */
  withKey(key: string): { id: string; fingerprint: string } | null {
    const rows = this.#sql.exec<{ id: string; fingerprint: string }>(
      "SELECT id, fingerprint FROM deferred_keys WHERE key = ?",
      key,
    );
    return rows.toArray()[0] ?? null;
  }

  end({ number, id }: DeferredRow, end: DeferredEnd, now: number): void {
    this.#sql.exec(
      `INSERT INTO deferred_ended
         (state, number, id, method, path, since, started_at, ended_at, attempts, status, code)
       SELECT ?, number, id, method, path, since, ?, ?, ?, ?, ? FROM deferred WHERE number = ?`,
      end.state,
      end.startedAt,
      now,
      end.attempts,
      end.status,
      end.code,
      number,
    );
    this.#sql.exec("DELETE FROM deferred WHERE number = ? AND id = ?", number, id);
    this.#kept[end.state]++;
  }

  /** Deletes a request that neither waits nor runs, and of which nothing is kept. */
  delete({ number, id }: DeferredRow, key: string | null = null): void {
    this.#sql.exec("DELETE FROM deferred WHERE number = ?", number);
    this.#deleteKey(key, id);
  }

  /** The same of a request whose key nobody knows any more. O(keys), for what is rare. */
  deleteLost(row: DeferredRow): void {
    this.delete(row);
    this.#sql.exec("DELETE FROM deferred_keys WHERE id = ?", row.id);
  }

  forget({ number, id, key }: EndedDeferred): void {
    this.#deleteEnded(number, id);
    this.#deleteKey(key, id);
  }

  /** At most `limit` entries with numbers above `after`, in the order of their numbers. */
  listUnfinished(
    presentOf: (ticket: string) => Pick<DeferredEntry, "state" | "startedAt">,
    wanted: DeferredState | null,
    after: number,
    limit: number,
  ): DeferredEntry[] {
    const found: DeferredEntry[] = [];
    const rows = this.#sql.exec<{ [name: string]: SqlStorageValue }>(
      `SELECT number, id, ticket, method, path, since AS acceptedAt FROM deferred
       WHERE number > ? ORDER BY number`,
      after,
    );
    for (const { ticket, ...row } of rows) {
      const present = presentOf(ticket as string);
      if (wanted !== null && present.state !== wanted) continue;
      const unknown = { endedAt: null, attempts: 0, status: null, code: null };
      found.push({ ...unknown, ...row, ...present } as DeferredEntry);
      if (found.length === limit) break;
    }
    return found;
  }

  /** The same of those that have ended. */
  listEnded(state: DeferredEndState | null, after: number, limit: number): DeferredEntry[] {
    const states = state === null ? END_STATES : [state];
    const found = states.flatMap(
      (one) =>
        this.#sql
          .exec<{ [name: string]: SqlStorageValue }>(
            `SELECT number, id, state, method, path, since AS acceptedAt, started_at AS startedAt,
                    ended_at AS endedAt, attempts, status, code
             FROM deferred_ended WHERE state = ? AND number > ? ORDER BY number LIMIT ?`,
            one,
            after,
            limit,
          )
          .toArray() as unknown as DeferredEntry[],
    );
    return found.sort((a, b) => a.number - b.number).slice(0, limit);
  }

  #deleteKey(key: string | null, id: string): void {
    if (key !== null) this.#sql.exec("DELETE FROM deferred_keys WHERE key = ? AND id = ?", key, id);
  }

  #deleteEnded(number: number, id: string): void {
    for (const state of END_STATES) {
      const deleted = this.#sql.exec(
        "DELETE FROM deferred_ended WHERE state = ? AND number = ? AND id = ? RETURNING state",
        state,
        number,
        id,
      );
      this.#kept[state] -= deleted.toArray().length;
    }
  }
}
