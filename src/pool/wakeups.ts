import { Ticker } from "../link/clock.ts";
import { ATTENTION_MS } from "../scheduler/fleet/checks.ts";
import type { Server } from "../scheduler/fleet/server.ts";
import type { SlotRow } from "../scheduler/terms/rows.ts";

/**
 * Until how far ahead an idle pool uses a timer, in ms. A timer keeps the object awake, and billed; beyond, the alarm
 * will do. As long as servers are checked after the last request.
 */
const SOON_MS = ATTENTION_MS;
const HEARTBEAT_MS = 5_000;

/**
 * The object's alarm, which wakes it even after an eviction. Setting it is a billed write, so it is set only for what
 * is rare: the expiry of a drain, the cut of leases, the end of a quarantine or of an orphaned lease, and looks after
 * deferred requests.
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

/** Wakes the pool when its scheduler's next `tick` is due. */
export class Wakeups {
  readonly #ticker: Ticker;
  readonly #alarm: Alarm;

  constructor(storage: DurableObjectStorage, wake: () => void) {
    this.#ticker = new Ticker(wake);
    this.#alarm = new Alarm(storage);
  }

  /**
   * To be called after each commit. `changed`: the slots in it. `idle`: nobody waits at a connection, and nothing is in
   * flight. `nextLook`: when the pool must be awake in any case; ms since the epoch.
   */
  set(
    scheduler: {
      nextTick(): number;
      nextCut: number;
      nextAlarm: number;
      /** When a drain ends by itself; `Infinity`: none does. */
      drainEndsAt: number;
    },
    changed: Iterable<SlotRow>,
    idle: boolean,
    nextLook = Number.POSITIVE_INFINITY,
  ): void {
    const [next, now] = [scheduler.nextTick(), Date.now()];
    if (idle && next - now > SOON_MS) this.#ticker.stop();
    else this.#ticker.wakeBy(next, now);
    for (const slot of changed) this.#setAlarmFor(slot);
    // Rare, too: a server that registers again does not move an alarm that is set.
    for (const at of [scheduler.drainEndsAt, scheduler.nextCut, scheduler.nextAlarm])
      if (at !== Number.POSITIVE_INFINITY) this.#alarm.wakeBy(at);
    if (nextLook !== Number.POSITIVE_INFINITY) this.#alarm.wakeBy(nextLook);
  }

  rang(): void {
    this.#alarm.rang();
  }

  setAlarmForAll(servers: readonly Server[]): void {
    for (const server of servers) {
      for (const slot of server.occupiedSlots()) this.#setAlarmFor(slot);
    }
  }

  /** A lease needs no alarm: it ends by a message or by its time to live, which begins anew after a restart. */
  #setAlarmFor(slot: SlotRow): void {
    if (["quarantined", "cut", "orphaned"].includes(slot.state)) this.#alarm.wakeBy(slot.until);
  }
}

/**
 * Writes to storage a few seconds after `start`, and again while `beat` returns true. Only a write shows an instance
 * that it was replaced, because storage then throws (fencing). Without it, an instance whose tickets just wait, as in a
 * drain, would never learn that, while `resume` reaches its successor. The counts are what is written, so a crash loses
 * only the last few seconds of them.
 */
export class Heartbeat {
  readonly #beat: () => boolean;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** `beat`: writes, and returns true to go on. */
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
