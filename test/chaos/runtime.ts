import { Sluice, type SluiceOptions } from "../support/sluice.ts";

/** One running copy of the Worker, with all its connections; the first one's process has the objects as well. */
interface Isolate {
  sluice: Sluice;
  /** Settled while it runs; it is at other ports after a kill. */
  up: Promise<void>;
}

/** Sluice with some isolates, which can be killed as a whole or one by one, and goes on with what it has stored. */
export class Runtime {
  #options: SluiceOptions;
  readonly #isolates: Isolate[];
  readonly #former: Sluice[] = [];

  private constructor(options: SluiceOptions, sluices: Sluice[]) {
    this.#options = options;
    this.#isolates = sluices.map((sluice) => ({ sluice, up: Promise.resolve() }));
  }

  static async start(options: SluiceOptions, isolates = 1): Promise<Runtime> {
    const first = await Sluice.start({ ...options, opensObjects: true });
    const others = { ...options, objectsAt: first.objectsAt };
    const rest = Array.from({ length: isolates - 1 }, () => Sluice.start(others));
    return new Runtime(options, [first, ...(await Promise.all(rest))]);
  }

  /** The one that has the objects. It is the one that operators and monitors talk to. */
  sluice(): Promise<Sluice> {
    return this.isolate(0);
  }

  /** That of this number, from 0, which runs at the moment. */
  async isolate(number: number): Promise<Sluice> {
    const isolate = this.#isolates[number] as Isolate;
    await isolate.up;
    return isolate.sluice;
  }

  /** How to ask that one for something that needs no object, and of Sluice nothing either: it answers if it is run at all. */
  async ask(number: number): Promise<() => Promise<unknown>> {
    const sluice = await this.isolate(number);
    return () => sluice.awoken();
  }

  /**
   * Kills some isolates, or all of them, as a power cut would, and starts them again. With the first go all objects, which
   * start again on the same storage. `pools`: the configuration that all have from then on; absent: as it was.
   */
  restart(
    numbers: readonly number[] = [...this.#isolates.keys()],
    pools: unknown = this.#options.pools,
  ): Promise<void> {
    this.#options = { ...this.#options, pools };
    const restarted = numbers.map((number) => {
      const isolate = this.#isolates[number] as Isolate;
      isolate.up = isolate.up.then(() => this.#restart(isolate, number === 0));
      return isolate.up;
    });
    return Promise.all(restarted).then(() => {});
  }

  /** Resolves with what `call` does, which is called again if a kill comes in between. */
  async through<T>(call: (sluice: Sluice) => Promise<T>, number = 0): Promise<T> {
    for (;;) {
      const [sluice, up] = [await this.isolate(number), this.#isolates[number]?.up];
      try {
        return await call(sluice);
      } catch (error) {
        if (up === this.#isolates[number]?.up) throw error;
      }
    }
  }

  /** The same in each isolate. */
  async throughEach(call: (sluice: Sluice) => Promise<void>): Promise<void> {
    await Promise.all([...this.#isolates.keys()].map((number) => this.through(call, number)));
  }

  /** False if one of them has ended by itself. */
  async runs(): Promise<boolean> {
    const all = await Promise.all(this.#isolates.map((isolate) => runs(isolate)));
    return all.every((one) => one);
  }

  /** Everything they have printed. */
  get output(): string[] {
    return this.#all.flatMap((one) => one.output);
  }

  /** The log lines of requests. */
  get log(): Record<string, unknown>[] {
    return this.#all.flatMap((one) => one.log);
  }

  async stop(): Promise<void> {
    for (const isolate of this.#isolates.toReversed()) {
      // Else it would wait for an end that has been already.
      if (await runs(isolate)) await isolate.sluice.stop();
    }
  }

  get #all(): Sluice[] {
    return [...this.#former, ...this.#isolates.map(({ sluice }) => sluice)];
  }

  async #restart(isolate: Isolate, hasObjects: boolean): Promise<void> {
    const { sluice } = isolate;
    const folder = await sluice.stopKeepingStorage();
    this.#former.push(sluice);
    const own = hasObjects
      ? { opensObjects: true }
      : { objectsAt: (this.#isolates[0] as Isolate).sluice.objectsAt };
    isolate.sluice = await Sluice.start({ ...this.#options, ...own, folder });
  }
}

async function runs(isolate: Isolate): Promise<boolean> {
  const { up } = isolate;
  await up;
  try {
    return process.kill(isolate.sluice.pid, 0);
  } catch {
    return up !== isolate.up;
  }
}
