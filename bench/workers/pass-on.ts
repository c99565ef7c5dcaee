/**
 * The bare lease (bare-lease.ts) that passes on: who is done gives its lease to the next in line of the same isolate, an
 * heir, with no message before and no row. About the least that such a hand-over takes, as the object does nothing with
 * what it is told: it keeps no order of its own, takes nothing back, and knows one isolate only.
 */
import { DurableObject } from "cloudflare:workers";
import { type Carry, carry } from "./parts/carry.ts";
import { SlotRows } from "./parts/slot-rows.ts";

export interface Env {
  SLOTS: DurableObjectNamespace<Slots>;
  SERVERS: string[];
}

export class Slots extends DurableObject<Env> {
  readonly #rows = new SlotRows(this.ctx.storage.sql);
  readonly #free = [...this.env.SERVERS];
  /** How many were told that a lease will be passed on to them, and are not known to have got one. */
  #heirs = 0;

  /**
   * Resolves with a server; `null`: a lease of the isolate will be passed on. `done` are those given back, `settled` is
   * how many heirs are none any more.
   */
  enter(done: string[], settled: number): Promise<string> | null {
    this.#heirs -= settled;
    for (const server of done) this.#give(server);
    const server = this.#free.shift();
    if (server === undefined) {
      this.#heirs++;
      return null;
    }
    return new Promise((turn) => this.#rows.take(server, turn));
  }

  /** Returns the servers that are to be passed on after all: there are heirs that the isolate did not know of yet. */
  done(servers: string[], settled: number): string[] {
    this.#heirs -= settled;
    if (this.#heirs > 0) return servers;
    for (const server of servers) this.#give(server);
    return [];
  }

  #give(server: string): void {
    this.#free.push(server);
    this.#rows.free(server);
  }
}

interface Heir {
  inherit: (server: string | null) => void;
  /** It goes on with what it was given. One whose invocation has died never says so. */
  confirmed: boolean;
  /** The lease went to another. */
  passedOver: boolean;
}

/** How often an heir is looked at until it is passed over; the pauses are 0, 2, 4 … ms. */
const LOOKS = 5;
/** Longer than any request of the bench waits. */
const LONGEST_WAIT_MS = 30_000;

/** Those of this isolate that wait, in order. */
const heirs: Heir[] = [];
/** Given back in this isolate, and not told yet: the next request takes them along. */
const untold: string[] = [];
/** Of the heirs that the object knows of, how many are none any more, which it was not told yet. */
let settled = 0;

export function passOnWorker(carry: Carry) {
  return {
    fetch(request, env, ctx) {
      const { promise, resolve } = Promise.withResolvers<Response>();
      // Also for a client that leaves: its slot would be lost.
      ctx.waitUntil(serve(request, env, resolve, carry));
      return promise;
    },
  } satisfies ExportedHandler<Env>;
}

export default passOnWorker(carry);

async function serve(
  request: Request,
  env: Env,
  respond: (response: Response) => void,
  carry: Carry,
): Promise<void> {
  const slots = env.SLOTS.getByName("pool");
  const server = await acquire(slots, request.signal);
  try {
    await carry(server, request, respond);
  } catch {
    // The next in line must have the slot all the same.
    respond(new Response(null, { status: 502 }));
  }
  if (await passOn(server)) return;
  untold.push(server);
  await scheduler.wait(0);
  while (untold.length > 0) {
    const kept = await slots.done(untold.splice(0), takeSettled());
    for (const one of kept) if (!(await passOn(one))) untold.push(one);
    // The heir's own answer is on its way.
    if (untold.length > 0) await scheduler.wait(1);
  }
}

/** Rejects if the client leaves while it waits. */
async function acquire(slots: DurableObjectStub<Slots>, client: AbortSignal): Promise<string> {
  for (;;) {
    client.throwIfAborted();
    const server = (await slots.enter(untold.splice(0), takeSettled())) ?? (await inherit(client));
    if (server !== null) return server;
  }
}

function takeSettled(): number {
  const count = settled;
  settled = 0;
  return count;
}

/** Gives the lease to the first heir that confirms it. `false`: there was none. */
async function passOn(server: string): Promise<boolean> {
  for (let heir = heirs.shift(); heir; heir = heirs.shift()) {
    settled++;
    heir.inherit(server);
    for (let look = 0; look < LOOKS && !heir.confirmed; look++) await scheduler.wait(2 * look);
    if (heir.confirmed) return true;
    heir.passedOver = true;
  }
  return false;
}

/** Resolves with the server of a lease that was passed on; `null`: passed over, or the client has left. */
async function inherit(client: AbortSignal): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const heir: Heir = { inherit: resolve, confirmed: false, passedOver: false };
  heirs.push(heir);
  client.addEventListener("abort", () => {
    const place = heirs.indexOf(heir);
    if (place < 0) return;
    heirs.splice(place, 1);
    settled++;
    resolve(null);
  });
  // A request that waits for nothing but another one's promise is canceled as hung (workerd 2026-11-17).
  const underWay = setTimeout(() => {}, LONGEST_WAIT_MS);
  const server = await promise;
  clearTimeout(underWay);
  if (heir.passedOver) return null;
  heir.confirmed = true;
  return server;
}
