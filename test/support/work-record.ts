/**
 * What the servers of a pool were at work on, for whom: the first segment of a path is the client's key. No two queries
 * have the same path.
 */
export class WorkRecord {
  /** Path and query of each query, in the order in which they began. */
  readonly begun: string[] = [];
  readonly #atWork = new Map<string, number>();
  readonly #most = new Map<string, number>();

  begin(query: string): void {
    this.begun.push(query);
    const key = keyOf(query);
    const count = this.atWork(key) + 1;
    this.#atWork.set(key, count);
    this.#most.set(key, Math.max(count, this.mostAtOnce(key)));
  }

  end(query: string): void {
    const key = keyOf(query);
    this.#atWork.set(key, this.atWork(key) - 1);
  }

  /** At how many servers the client's queries are now. */
  atWork(key: string): number {
    return this.#atWork.get(key) ?? 0;
  }

  /** At how many servers the client's queries were at once, at most. */
  mostAtOnce(key: string): number {
    return this.#most.get(key) ?? 0;
  }

  /** Returns the client's queries in the order in which they began, of those from the n-th of all to before the m-th. */
  of(key: string, from = 0, to = this.begun.length): string[] {
    return this.begun.slice(from, to).filter((query) => keyOf(query) === key);
  }
}

function keyOf(query: string): string {
  return query.split("/")[1] ?? "";
}
