import type { Page } from "playwright-core";
import type { PoolEvent } from "../../src/scheduler/record/events.ts";
import type { QueueHistory } from "../../src/scheduler/record/queue-history.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";

/** Given to the page by `PlayedPool.on`. */
interface Window {
  play: (text: string) => void;
  lose: () => void;
}

/** The stream of the chosen pool, played to one page, so that a test says what the page is told. */
export class PlayedPool {
  readonly #page: Page;
  /** What is played is later than all that the pool itself has told the page. */
  readonly #since = new Date(Date.now() + 3_600_000).toISOString();
  #shown = 0;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** From the next document of this page on. */
  static async on(page: Page): Promise<PlayedPool> {
    await page.addInitScript(() => {
      const ask = globalThis.fetch;
      let stream: ReadableStreamDefaultController<Uint8Array>;
      let isLost = false;
      globalThis.fetch = (address, init) => {
        if (!String(address).endsWith("/events")) return ask(address, init);
        if (isLost) return Promise.reject(new TypeError("lost"));
        const body = new ReadableStream<Uint8Array>({
          start: (controller) => {
            stream = controller;
          },
        });
        return Promise.resolve(new Response(body));
      };
      Object.assign(globalThis, {
        play: (text) => stream.enqueue(new TextEncoder().encode(text)),
        lose: () => {
          isLost = true;
          stream.close();
        },
      } satisfies Window);
    });
    return new PlayedPool(page);
  }

  /** Resolves once the page has drawn it. */
  async show(pool: Snapshot): Promise<void> {
    const revision = { since: this.#since, number: ++this.#shown };
    await this.#play(`event: snapshot\ndata: ${JSON.stringify({ ...pool, revision })}\n\n`);
  }

  /** The pool's own record of its waiting list, which comes before the first snapshot. */
  async record(history: QueueHistory): Promise<void> {
    await this.#play(`event: history\ndata: ${JSON.stringify(history)}\n\n`);
  }

  async tell(event: PoolEvent): Promise<void> {
    await this.#play(`event: ${event.kind}\nid: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  /** The connection breaks, and there is none any more. */
  async lose(): Promise<void> {
    await this.#page.evaluate(() => (globalThis as unknown as Window).lose());
  }

  async #play(text: string): Promise<void> {
    await this.#page.evaluate(async (given) => {
      (globalThis as unknown as Window).play(given);
      // What is read from a stream comes in a later task, and is drawn with the next frame.
      for (let frame = 0; frame < 3; frame++) await new Promise((drawn) => requestAnimationFrame(drawn));
    }, text);
  }
}
