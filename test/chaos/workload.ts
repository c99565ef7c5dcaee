import type { Journal } from "./journal.ts";
import type { Work } from "./work.ts";

/** What one server is working on, counted by the server itself. */
export class Workload {
  readonly #server: string;
  readonly #journal: Journal;
  readonly #work = new Set<Work>();
  /** Those whose answer is not out yet, be the work done or not. */
  readonly #unanswered = new Set<Work>();
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
    this.#check();
  }

  get idle(): boolean {
    return this.#work.size === 0;
  }

  /** Without health checks. */
  get jobs(): number {
    return [...this.#work].filter((work) => work.job).length;
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

  /** Harmless when repeated. */
  end(work: Work): void {
    this.#work.delete(work);
    if (work.job) work.job.doneAt ??= this.#journal.now();
  }

  /** The process is gone, and all of its work with it. */
  kill(): void {
    for (const { job } of this.#unanswered) if (job) job.brokeAt ??= this.#journal.now();
    for (const work of this.#work) {
      work.kill();
      this.end(work);
    }
  }

  #check(): void {
    if (this.#work.size <= this.#slots) return;
    const names = [...this.#work].map((work) => work.job?.sent.plan.id ?? "a health check");
    const about = [...this.#work].flatMap((work) => (work.job ? [work.job.sent] : []));
    this.#journal.break(
      "overlap",
      `${this.#server} has ${this.#slots} slot(s), and ${names.join(", ")}`,
      about,
    );
  }
}
