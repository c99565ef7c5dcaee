/** What the servers of a pool were at work on, for whom: the first segment of a path is the client's key. */
export class WorkRecord {
  /** Path and query of each query, in the order in which they began. */
  readonly begun: string[] = [];
  readonly #atWork = new Map<string, number>();
  readonly #most = new Map<string, number>();

  begin(pathAndQuery: string): void {
    this.begun.push(pathAndQuery);
    const key = keyOf(pathAndQuery);
    const count = (this.#atWork.get(key) ?? 0) + 1;
    this.#atWork.set(key, count);
    this.#most.set(key, Math.max(count, this.mostAtOnce(key)));
  }

  end(pathAndQuery: string): void {
    const key = keyOf(pathAndQuery);
    this.#atWork.set(key, (this.#atWork.get(key) ?? 0) - 1);
  }

  /** Returns at how many servers the client's requests were at once, at most. */
  mostAtOnce(key: string): number {
    return this.#most.get(key) ?? 0;
  }

  /** Returns how many of the queries were this client's, from the n-th query to before the m-th. */
  countOf(key: string, from = 0, to = this.begun.length): number {
    return this.begun.slice(from, to).filter((query) => keyOf(query) === key).length;
  }

  /** Returns the client's queries in the order in which they began. */
  of(key: string): string[] {
    return this.begun.filter((query) => keyOf(query) === key);
  }
}

export function keyOf(pathAndQuery: string): string {
  return pathAndQuery.split("/")[1] ?? "";
}
