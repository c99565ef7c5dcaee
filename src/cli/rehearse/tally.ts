/** How many there were of each reason. */
export class Tally extends Map<string, number> {
  add(reason: string): void {
    this.set(reason, (this.get(reason) ?? 0) + 1);
  }

  get total(): number {
    return [...this.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** `2 × ECONNRESET, 1 × 503 queue-full`. */
export function reasonsIn(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([reason, count]) => `${count} × ${reason}`).join(", ");
}
