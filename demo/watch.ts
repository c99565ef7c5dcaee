import { setInterval as ticks } from "node:timers/promises";
import type { Traffic } from "../src/cli/rehearse/traffic.ts";
import type { Snapshot } from "../src/scheduler/snapshot.ts";
import type { Admin } from "./admin.ts";
import { seconds } from "./progress.ts";

const LOOK_EVERY_MS = 250;

/** Shows how pool and traffic are doing, until `signal`. */
export async function watch(
  admin: Admin,
  traffic: Traffic,
  show: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for await (const _ of ticks(LOOK_EVERY_MS)) {
    if (signal.aborted) return;
    show(line(await admin.snapshot(), traffic));
  }
}

function line({ state, inFlight, queued, oldestWaitMs }: Snapshot, { sent, answered }: Traffic): string {
  return [
    state.padEnd(8),
    `in flight ${String(inFlight).padStart(2)}`,
    `queued ${String(queued).padStart(3)}`,
    `oldest ${seconds(oldestWaitMs)}`,
    `sent ${sent}`,
    `answered ${answered}`,
  ].join("   ");
}
