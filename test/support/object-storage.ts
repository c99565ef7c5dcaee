import { DatabaseSync } from "node:sqlite";

/** A Durable Object's storage, in memory: the calls that Sluice makes of it, on the same SQLite. */
export class ObjectStorage {
  readonly database = new DatabaseSync(":memory:");
  /** When the object is to be woken, in ms since the epoch; `null`: never. */
  alarm: number | null = null;
  /** As for an instance that has been replaced: each further call says so. */
  replaced = false;
  readonly sql = { exec: this.#exec.bind(this) };
  /** What is stored under keys; as the platform does, it keeps copies. */
  readonly entries = new Map<string, unknown>();
  readonly kv = {
    get: (key: string) => structuredClone(this.entries.get(key)),
    put: (key: string, value: unknown) => {
      this.#check();
      this.entries.set(key, structuredClone(value));
    },
    delete: (key: string) => {
      this.#check();
      return this.entries.delete(key);
    },
  };

  /** As the platform's type has it. */
  get asPlatform(): DurableObjectStorage {
    return this as unknown as DurableObjectStorage;
  }

  transactionSync(work: () => void): void {
    this.#check();
    work();
  }

  sync(): Promise<void> {
    this.#check();
    return Promise.resolve();
  }

  setAlarm(at: number): Promise<void> {
    this.#check();
    this.alarm = at;
    return Promise.resolve();
  }

  deleteAll(): Promise<void> {
    this.#check();
    this.entries.clear();
    this.alarm = null;
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
