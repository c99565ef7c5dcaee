import type { AuditRow } from "./audit.ts";

/** The audit in the pool's ledger: a row an entry, which a later entry overwrites once there are too many. */
export class AuditLedger {
  readonly #sql: SqlStorage;

  /** The table must exist already. */
  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  load(): AuditRow[] {
    return this.#sql
      .exec<{ row: number; entry: string; acts: string }>("SELECT row, entry, acts FROM audit")
      .toArray()
      .map(({ row, entry, acts }) => ({ row, entry: JSON.parse(entry), acts: JSON.parse(acts) }));
  }

  write(rows: readonly AuditRow[]): void {
    for (const { row, entry, acts } of rows) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO audit (row, entry, acts) VALUES (?, ?, ?)",
        row,
        JSON.stringify(entry),
        JSON.stringify(acts),
      );
    }
  }
}
