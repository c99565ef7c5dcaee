import { Ticker } from "../link/clock.ts";
import type { Drain } from "../scheduler/drain.ts";
import type { Server } from "../scheduler/fleet/server.ts";
import type { SlotRow } from "../scheduler/terms/rows.ts";

/**
 * A timer keeps the object awake, and billed: for what is further away the alarm will do. A pool's servers are looked
 * after for a minute after its last request.
 */
const SOON_MS = 60_000;

/**
 * Wakes the pool even if the object was evicted meanwhile. Setting it is a billed write, so it is set only for
 * what is rare: the end of a drain, of a quarantine, of an orphan's time.
 */
class Alarm {
  readonly #storage: DurableObjectStorage;
  #at = Number.POSITIVE_INFINITY;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  wakeBy(at: number): void {
    if (at >= this.#at) return;
    this.#at = at;
    void this.#storage.setAlarm(at);
  }

  rang(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }
}

/** When the pool is to look at its clock again. */
export class Wakeups {
  readonly #ticker: Ticker;
  readonly #alarm: Alarm;

  constructor(storage: DurableObjectStorage, wake: () => void) {
    this.#ticker = new Ticker(wake);
    this.#alarm = new Alarm(storage);
  }

  /** After a change of these slots. `idle`: nobody is here who needs the time to the millisecond. */
  set(
    scheduler: { nextTick(): number; currentDrain: Readonly<Drain> | null },
    changed: Iterable<SlotRow>,
    idle: boolean,
  ): void {
    const [next, now] = [scheduler.nextTick(), Date.now()];
    if (idle && next - now > SOON_MS) this.#ticker.stop();
    else this.#ticker.wakeBy(next, now);
    for (const slot of changed) this.#setAlarmFor(slot);
    if (scheduler.currentDrain) this.#alarm.wakeBy(scheduler.currentDrain.expiresAt);
  }

  /** The alarm has rung. */
  rang(): void {
    this.#alarm.rang();
  }

  setAlarmForAll(servers: readonly Server[]): void {
    for (const server of servers) {
      for (const slot of server.takenSlots()) this.#setAlarmFor(slot);
    }
  }

  /** Not for a lease: its end is a message, or the end of the time to live, which a restart begins anew. */
  #setAlarmFor(slot: SlotRow): void {
    if (slot.state === "quarantined" || slot.state === "orphaned") this.#alarm.wakeBy(slot.until);
  }
}
