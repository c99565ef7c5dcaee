import { setTimeout as sleep } from "node:timers/promises";

const LOOK_EVERY_MS = 100;

/** Resolves with how long it took until this was true, in ms; `null`: longer than that. */
export async function until(holds: () => Promise<boolean>, patienceMs: number): Promise<number | null> {
  const startedAt = performance.now();
  for (;;) {
    if (await holds()) return performance.now() - startedAt;
    if (performance.now() - startedAt > patienceMs) return null;
    await sleep(LOOK_EVERY_MS);
  }
}
