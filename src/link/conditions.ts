/** Promises of conditions that are evaluated again whenever one may have changed. */
export class Conditions {
  readonly #checks = new Set<() => void>();

  /** Resolves once `condition` holds, or after `timeoutMs`. */
  async until(condition: () => boolean, timeoutMs: number): Promise<void> {
    if (condition() || timeoutMs <= 0) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#checks.delete(check);
        resolve();
      };
      const check = () => condition() && done();
      const timer = setTimeout(done, timeoutMs);
      this.#checks.add(check);
    });
  }

  /** To be called when a condition may have changed. */
  changed(): void {
    for (const check of this.#checks) check();
  }
}
