import type { Counts } from "../../scheduler/record/counters.ts";
import type { OwnerRow, OwnershipChanges } from "../../scheduler/shards/ownership.ts";

/** Which shard owns which server, as the coordinator has it on record. */
export interface OwnershipRows {
  version: number;
  shards: number;
  rows: OwnerRow[];
}

const NONE = { version: 0, shards: 1 };

/** What an object keeps of the other objects of its pool. Without any it keeps nothing. */
export class ShardLedger {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  load(): OwnershipRows {
    const rows = this.#sql
      .exec<{ identity: string; owner: number; heir: number | null; sinceVersion: number }>(
        "SELECT identity, owner, heir, since_version AS sinceVersion FROM owners",
      )
      .toArray();
    return { ...NONE, ...this.#get<typeof NONE>("ownership"), rows };
  }

  write({ version, shards, rows }: OwnershipChanges): void {
    this.#put("ownership", { version, shards });
    for (const [identity, row] of rows) {
      if (row === null) this.#sql.exec("DELETE FROM owners WHERE identity = ?", identity);
      else
        this.#sql.exec(
          "INSERT OR REPLACE INTO owners (identity, owner, heir, since_version) VALUES (?, ?, ?, ?)",
          identity,
          row.owner,
          row.heir,
          row.sinceVersion,
        );
    }
  }

  /** Writes what is there: that fails in an instance which has been replaced. */
  touch(): void {
    const { version, shards } = this.load();
    this.#put("ownership", { version, shards });
  }

  /** All servers are this object's again. The version stays, as late messages may still be on their way. */
  forgetOwners(): void {
    const { version } = this.load();
    this.#put("ownership", { version: version + 1, shards: 1 });
    this.#sql.exec("DELETE FROM owners");
    this.#sql.exec("DELETE FROM meta WHERE key = 'down'");
  }

  /** The servers that were down when their shards last told of them; `null`: there was no other shard so far. */
  get down(): string[] | null {
    return this.#get<string[]>("down");
  }

  set down(identities: string[]) {
    this.#put("down", identities);
  }

  /** The version of the last orders that this object has followed. */
  get followed(): number {
    return this.#get<number>("followed") ?? 0;
  }

  set followed(version: number) {
    this.#put("followed", version);
  }

  /** When the last instance started, in ms since the epoch; 0: none has. */
  get startedAt(): number {
    return this.#get<number>("started-at") ?? 0;
  }

  set startedAt(at: number) {
    this.#put("started-at", at);
  }

  /** What other shards have counted, as it was last told, by their numbers. */
  counts(): Map<number, Counts> {
    const found = this.#sql
      .exec<{ key: string; value: string }>("SELECT key, value FROM meta WHERE key GLOB 'counts#*'")
      .toArray();
    return new Map(found.map(({ key, value }) => [Number(key.slice("counts#".length)), JSON.parse(value)]));
  }

  writeCounts(shard: number, counts: Counts): void {
    this.#put(`counts#${shard}`, counts);
  }

  /** The latest event of each other shard that is among this one's, by the shard's number. */
  get adopted(): Record<number, number> {
    return this.#get<Record<number, number>>("adopted") ?? {};
  }

  set adopted(ids: Record<number, number>) {
    this.#put("adopted", ids);
  }

  #get<T>(key: string): T | null {
    const row = this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", key).toArray()[0];
    return row ? JSON.parse(row.value) : null;
  }

  #put(key: string, value: unknown): void {
    this.#sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, JSON.stringify(value));
  }
}
