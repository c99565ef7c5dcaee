/** Shortest time between two timers, in ms: a busy pool is woken ten times a second and not for each ticket. */
const STEP_MS = 100;

interface Notice {
  dueAt: number;
  send: () => void;
}

/** Notices that are sent a fixed time after they came, and so in the order in which they came. */
export class Notices {
  readonly #afterMs: number;
  #notices: Notice[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(afterMs: number) {
    this.#afterMs = afterMs;
  }

  add(send: () => void, now: number): void {
    this.#notices.push({ dueAt: now + this.#afterMs, send });
    this.#timer ??= this.#wakeIn(this.#afterMs);
  }

  #wakeIn(ms: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#sendDue(Date.now()), ms);
  }

  #sendDue(now: number): void {
    const firstNotDue = this.#notices.findIndex(({ dueAt }) => dueAt > now);
    const due = this.#notices.splice(0, firstNotDue < 0 ? this.#notices.length : firstNotDue);
    const next = this.#notices[0];
    this.#timer = next ? this.#wakeIn(Math.max(STEP_MS, next.dueAt - now)) : null;
    for (const { send } of due) send();
  }
}
