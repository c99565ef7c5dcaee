type Turn = (server: string) => void;

/** Which slots are taken, on disk. The changes of one turn of the event loop share a commit, as Sluice's do. */
export class SlotRows {
  readonly #sql: SqlStorage;
  readonly #changed = new Map<string, number>();
  #granted: [Turn, string][] = [];

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS slots (server TEXT PRIMARY KEY, taken INTEGER) WITHOUT ROWID");
  }

  /** Calls `turn` with the server once that is written; the runtime holds its answer back until it is on disk. */
  take(server: string, turn: Turn): void {
    this.#granted.push([turn, server]);
    this.#change(server, 1);
  }

  free(server: string): void {
    this.#change(server, 0);
  }

  #change(server: string, taken: number): void {
    if (this.#changed.size === 0) setTimeout(() => this.#commit(), 0);
    this.#changed.set(server, taken);
  }

  #commit(): void {
    for (const [server, taken] of this.#changed) {
      const statement = "INSERT OR REPLACE INTO slots (server, taken) VALUES (?, ?)";
      this.#sql.exec(statement, server, taken);
    }
    this.#changed.clear();
    for (const [turn, server] of this.#granted.splice(0)) turn(server);
  }
}
