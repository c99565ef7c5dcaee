const PATIENCE_MS = 60_000;

/** Asks again and again until it is so; rejects with what was last the case when it takes too long. */
export async function until<T>(ask: () => Promise<T>, isSo: (found: T) => boolean, what: string): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await ask();
    if (isSo(found)) return found;
    await new Promise((resolve) => setImmediate(resolve));
    if (Date.now() > deadline) throw new Error(`${what}: not in time, still ${JSON.stringify(found)}`);
  }
}
