import { Sluice, type SluiceOptions } from "../support/sluice.ts";

/** Sluice, which can be killed as a whole, and goes on with what it has stored. */
export class Runtime {
  readonly #options: SluiceOptions;
  readonly #former: Sluice[] = [];
  #sluice: Sluice;
  #up: Promise<void> = Promise.resolve();

  private constructor(options: SluiceOptions, sluice: Sluice) {
    this.#options = options;
    this.#sluice = sluice;
  }

  static async start(options: SluiceOptions): Promise<Runtime> {
    return new Runtime(options, await Sluice.start(options));
  }

  /** The one that runs at the moment; after a kill it is another one, at other ports. */
  async sluice(): Promise<Sluice> {
    await this.#up;
    return this.#sluice;
  }

  /** Kills it as a power cut would, and starts it again on the same storage. */
  restart(): Promise<void> {
    this.#up = this.#restart();
    return this.#up;
  }

  /** Resolves with what `call` does, which is called again if a kill comes in between. */
  async through<T>(call: (sluice: Sluice) => Promise<T>): Promise<T> {
    for (;;) {
      const [sluice, up] = [await this.sluice(), this.#up];
      try {
        return await call(sluice);
      } catch (error) {
        if (up === this.#up) throw error;
      }
    }
  }

  /** False if it has ended by itself. */
  async runs(): Promise<boolean> {
    const [sluice, up] = [await this.sluice(), this.#up];
    try {
      return process.kill(sluice.pid, 0);
    } catch {
      return up !== this.#up;
    }
  }

  /** Everything it has printed. */
  get output(): string[] {
    return [...this.#former, this.#sluice].flatMap((one) => one.output);
  }

  /** The log lines of requests. */
  get log(): Record<string, unknown>[] {
    return [...this.#former, this.#sluice].flatMap((one) => one.log);
  }

  async stop(): Promise<void> {
    // Else it would wait for an end that has been already.
    if (await this.runs()) await this.#sluice.stop();
  }

  async #restart(): Promise<void> {
    const folder = await this.#sluice.stopKeepingStorage();
    this.#former.push(this.#sluice);
    this.#sluice = await Sluice.start({ ...this.#options, folder });
  }
}
