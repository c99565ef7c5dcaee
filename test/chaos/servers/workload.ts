import type { Job, Journal } from "../journal.ts";
import type { Work } from "./work.ts";

/** What Sluice has sent may come so much later than what it sends on another connection. */
const ON_ITS_WAY_MS = 50;

/** It has answered already, and has only to read the rest of the upload. */
function isReading({ headAt, wholeAt }: Job): boolean {
  return headAt !== null && wholeAt === null;
}

/** What one server is working on, counted by the server itself. */
export class Workload {
  readonly #server: string;
  readonly #journal: Journal;
  readonly #work = new Set<Work>();
  /** Those whose answer is not out yet, be the work done or not. */
  readonly #unanswered = new Set<Work>();
  /** What it stays busy with though the answer is out, and until when, in ms since the run began. */
  readonly #afterglow = new Map<Work, number>();
  /** Slots that it does not want a request on: it said that it is busy for somebody else until then. */
  #rests: number[] = [];
  #slots: number;

  constructor(server: string, slots: number, journal: Journal) {
    this.#server = server;
    this.#slots = slots;
    this.#journal = journal;
  }

  get slots(): number {
    return this.#slots;
  }

  set slots(slots: number) {
    this.#slots = slots;
    // Whether a slot that rests is one of those that are left, only Sluice knows.
    this.#rests = [];
    this.#check();
  }

  get idle(): boolean {
    return this.#busyWith.length === 0;
  }

  /** Without health checks. */
  get jobs(): number {
    return this.#busyWith.filter((work) => work.job).length;
  }

  get checks(): number {
    return this.#busyWith.filter((work) => !work.job).length;
  }

  /** Is there work that nobody waits for, besides this one? */
  hasStray(besides?: Work): boolean {
    return [...this.#work].some((work) => work.stray && work !== besides);
  }

  begin(work: Work): void {
    this.#work.add(work);
    this.#unanswered.add(work);
    void work.closed.then(() => this.#unanswered.delete(work));
    this.#check();
  }

  /** Harmless when repeated. It stays busy for a moment more. */
  end(work: Work, afterglowMs = 0): void {
    if (!this.#work.delete(work)) return;
    if (work.job) this.#journal.done(work.job);
    // By the clock, so that a process which stands still is busy no longer than it says.
    if (afterglowMs > 0) this.#afterglow.set(work, this.#journal.now() + afterglowMs);
  }

  /** It has turned somebody away, and wants nothing on that slot for a while. */
  rest(forMs: number): void {
    this.#rests.push(this.#journal.now() + forMs);
  }

  /** The process is gone, and all of its work with it. */
  kill(): void {
    for (const { job } of this.#unanswered) if (job) job.brokeAt ??= this.#journal.now();
    for (const work of this.#work) {
      work.kill();
      this.end(work);
    }
    this.#afterglow.clear();
    this.#rests = [];
  }

  get #busyWith(): Work[] {
    const now = this.#journal.now();
    for (const [work, until] of this.#afterglow) if (until <= now) this.#afterglow.delete(work);
    return [...this.#work, ...this.#afterglow.keys()];
  }

  #check(): void {
    const now = this.#journal.now();
    this.#rests = this.#rests.filter((until) => until > now);
    const work = this.#busyWith.filter(({ job }) => job !== null || this.#journal.settings.checksTakeSlots);
    const surplus = work.length + this.#rests.length - this.#slots;
    if (surplus <= 0) return;
    const names = work.map((one) => this.#named(one));
    for (const until of this.#rests) names.push(`a rest of ${(until - now).toFixed(0)} ms more`);
    const text = `${this.#server} has ${this.#slots} slot(s), and ${names.join(", ")}`;
    const from = this.#journal.now();
    const about = work.flatMap(({ job }) => (job ? [job.sent] : []));
    const judge = () => this.#journal.break("overlap", text, about, from);
    const reading = work.flatMap(({ job }) => (job && isReading(job) ? [job] : []));
    const judgeLater = () => {
      if (reading.filter(({ wholeAt }) => wholeAt !== null).length < surplus) judge();
    };
    if (reading.length < surplus) judge();
    else setTimeout(judgeLater, ON_ITS_WAY_MS + this.#journal.slackMs);
  }

  #named(work: Work): string {
    return `${work.job?.sent.plan.id ?? "a health check"}${this.#work.has(work) ? "" : " (answered)"}`;
  }
}
