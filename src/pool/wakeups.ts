import { Ticker } from "../link/clock.ts";
import type { Drain } from "../scheduler/drain.ts";
import type { Server } from "../scheduler/fleet/server.ts";
import type { SlotRow } from "../scheduler/terms/rows.ts";

/**
 * A timer keeps the object awake, and billed: for what is further away the alarm will do. A pool's servers are looked
 * after for a minute after its last request.
 */
const SOON_MS = 60_000;
const HEARTBEAT_MS = 5_000;

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

/**
 * Touches storage every few seconds while it is asked to. An instance of the object that has been replaced is
 * told so only when it touches storage; one that merely lets requests wait, as in a drain, would never find
 * out, while its successor is the one that is resumed. What it writes, the counts, is lost for no longer than that
 * when the object dies.
 */
export class Heartbeat {
  readonly #beat: () => boolean;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** `beat` writes, and says whether to go on. */
  constructor(beat: () => boolean) {
    this.#beat = beat;
  }

  start(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#beat()) this.start();
    }, HEARTBEAT_MS);
  }
}
