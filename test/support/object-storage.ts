import { DatabaseSync } from "node:sqlite";

/** A Durable Object's storage, in memory: the calls that Sluice makes of it, on the same SQLite. */
export class ObjectStorage {
  readonly database = new DatabaseSync(":memory:");
  /** When the object is to be woken, in ms since the epoch; `null`: never. */
  alarm: number | null = null;
  /** As for an instance that has been replaced: each further call says so. */
  replaced = false;
  readonly sql = { exec: this.#exec.bind(this) };

  /** As the platform's type has it. */
  get asPlatform(): DurableObjectStorage {
    return this as unknown as DurableObjectStorage;
  }

  transactionSync(work: () => void): void {
    this.#check();
    work();
  }

  setAlarm(at: number): Promise<void> {
    this.#check();
    this.alarm = at;
    return Promise.resolve();
  }

  /** Several statements, or one with values. */
  #exec(sql: string, ...values: (string | number | null)[]) {
    this.#check();
    if (values.length === 0 && !sql.trimStart().startsWith("SELECT")) {
      this.database.exec(sql);
      return { toArray: () => [] };
    }
    const rows = this.database.prepare(sql).all(...values);
    return Object.assign(rows, { toArray: () => rows });
  }

  #check(): void {
    if (this.replaced) throw new Error("this instance has been replaced");
  }
}
