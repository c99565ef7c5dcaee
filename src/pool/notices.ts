/** When a ticket gets its notice, in ms after its arrival. Most have their slot before. */
const NOTICE_MS = 500;
/** Shortest time between two timers, in ms: a busy pool is woken ten times a second and not for each ticket. */
const STEP_MS = 100;

interface Notice {
  dueAt: number;
  send: () => void;
}

/** Delayed notices to tickets, in order of arrival, which is also the order in which they are due. */
export class Notices {
  #notices: Notice[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  add(send: () => void, now: number): void {
    this.#notices.push({ dueAt: now + NOTICE_MS, send });
    this.#timer ??= this.#wakeIn(NOTICE_MS);
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
