/**
 * About what this runtime lets a protocol like Sluice's have where each hand-over goes through the object: a Worker that
 * asks an object for a slot, fetches, reads the answer to its last byte and says so. As durable as Sluice, with its
 * commits shared as Sluice's are, and nothing else: no retry, no time limit, no header, no log, no drain; a client that
 * leaves frees its slot while the server is at work, and a restart forgets all.
 */
import { DurableObject } from "cloudflare:workers";
import { carry } from "./parts/carry.ts";
import { SlotRows } from "./parts/slot-rows.ts";

export interface Env {
  SLOTS: DurableObjectNamespace<Slots>;
  SERVERS: string[];
}

export class Slots extends DurableObject<Env> {
  readonly #rows = new SlotRows(this.ctx.storage.sql);
  readonly #free = [...this.env.SERVERS];
  readonly #waiting: ((server: string) => void)[] = [];

  /** Resolves with a server; `done` are those given back. */
  enter(done: string[]): Promise<string> {
    this.done(done);
    return new Promise((turn) => {
      const server = this.#free.shift();
      if (server === undefined) this.#waiting.push(turn);
      else this.#rows.take(server, turn);
    });
  }

  done(servers: string[]): void {
    for (const server of servers) {
      const next = this.#waiting.shift();
      if (next) this.#rows.take(server, next);
      else this.#give(server);
    }
  }

  #give(server: string): void {
    this.#free.push(server);
    this.#rows.free(server);
  }
}

/** Given back in this isolate, and not told yet: the next request takes them along. */
const untold: string[] = [];

export default {
  fetch(request, env, ctx) {
    const { promise, resolve } = Promise.withResolvers<Response>();
    // Also for a client that leaves: its slot would be lost.
    ctx.waitUntil(serve(request, env, resolve));
    return promise;
  },
} satisfies ExportedHandler<Env>;

async function serve(request: Request, env: Env, respond: (response: Response) => void): Promise<void> {
  const slots = env.SLOTS.getByName("pool");
  const server = await slots.enter(untold.splice(0));
  await carry(server, request, respond);
  untold.push(server);
  await scheduler.wait(0);
  if (untold.length > 0) await slots.done(untold.splice(0));
}
