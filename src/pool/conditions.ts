/** Those who wait until something is so; they are asked again whenever that may have changed. */
export class Conditions {
  readonly #checks = new Set<() => void>();

  /** Resolves once `isSo`, or after `timeoutMs`. */
  async until(isSo: () => boolean, timeoutMs: number): Promise<void> {
    if (isSo() || timeoutMs <= 0) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#checks.delete(check);
        resolve();
      };
      const check = () => isSo() && done();
      const timer = setTimeout(done, timeoutMs);
      this.#checks.add(check);
    });
  }

  changed(): void {
    for (const check of this.#checks) check();
  }
}
