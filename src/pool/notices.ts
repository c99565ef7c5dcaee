/** A ticket that waits for less has its slot before it would know its place. */
const NOTICE_MS = 500;
/** So that a busy pool is woken for them ten times a second, and not for each. */
const STEP_MS = 100;

interface Notice {
  dueAt: number;
  give: () => void;
}

/** What tickets are told only if they still wait after a while; in the order of their arrival. */
export class Notices {
  #notices: Notice[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  add(give: () => void, now: number): void {
    this.#notices.push({ dueAt: now + NOTICE_MS, give });
    this.#timer ??= this.#wakeIn(NOTICE_MS);
  }

  #wakeIn(ms: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#giveDue(Date.now()), ms);
  }

  #giveDue(now: number): void {
    const firstNotDue = this.#notices.findIndex(({ dueAt }) => dueAt > now);
    const due = this.#notices.splice(0, firstNotDue < 0 ? this.#notices.length : firstNotDue);
    const next = this.#notices[0];
    this.#timer = next ? this.#wakeIn(Math.max(STEP_MS, next.dueAt - now)) : null;
    for (const { give } of due) give();
  }
}
