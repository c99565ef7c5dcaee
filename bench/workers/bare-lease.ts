/**
 * About what this runtime lets a protocol like Sluice's have: a Worker that asks an object for a slot, fetches, reads
 * the answer to its last byte and says so. As durable as Sluice, with its commits shared as Sluice's are, and nothing
 * else: no retry, no time limit, no header, no log, no drain; a client that leaves frees its slot while the server is
 * at work, and a restart forgets all.
 */
import { DurableObject } from "cloudflare:workers";

interface Env {
  SLOTS: DurableObjectNamespace<Slots>;
  SERVERS: string[];
}

type Turn = (server: string) => void;

export class Slots extends DurableObject<Env> {
  readonly #free = [...this.env.SERVERS];
  readonly #waiting: Turn[] = [];
  readonly #changed = new Map<string, number>();
  #granted: [Turn, string][] = [];

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS slots (server TEXT PRIMARY KEY, taken INTEGER)");
  }

  /** Resolves with a server; `done` are those given back. */
  enter(done: string[]): Promise<string> {
    this.done(done);
    return new Promise((turn) => {
      const server = this.#free.shift();
      if (server === undefined) this.#waiting.push(turn);
      else this.#grant(turn, server);
    });
  }

  done(servers: string[]): void {
    for (const server of servers) {
      const next = this.#waiting.shift();
      if (next) this.#grant(next, server);
      else this.#give(server);
    }
  }

  #grant(turn: Turn, server: string): void {
    this.#granted.push([turn, server]);
    this.#change(server, 1);
  }

  #give(server: string): void {
    this.#free.push(server);
    this.#change(server, 0);
  }

  #change(server: string, taken: number): void {
    if (this.#changed.size === 0) setTimeout(() => this.#commit(), 0);
    this.#changed.set(server, taken);
  }

  #commit(): void {
    for (const [server, taken] of this.#changed) {
      const statement = "INSERT OR REPLACE INTO slots (server, taken) VALUES (?, ?)";
      this.ctx.storage.sql.exec(statement, server, taken);
    }
    this.#changed.clear();
    for (const [turn, server] of this.#granted.splice(0)) turn(server);
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
  const response = await fetch(server + new URL(request.url).pathname, {
    headers: request.headers,
    encodeResponseBody: "manual",
  });
  const length = Number(response.headers.get("content-length"));
  const { status, headers } = response;
  const init = { status, headers, encodeBody: "manual" } as const;
  if (length <= SMALL_BYTES) {
    respond(new Response(await response.arrayBuffer(), init));
  } else {
    const relay = RELAYS[request.headers.get("x-relay") ?? ""] ?? readAndGiveOn;
    const { body, ended } = relay(response.body as ReadableStream, length);
    respond(new Response(body, init));
    // Rejects where the client has left.
    await ended.catch(() => {});
  }
  untold.push(server);
  await scheduler.wait(0);
  if (untold.length > 0) await slots.done(untold.splice(0));
}

const SMALL_BYTES = 256 * 1024;
const READ_BYTES = 512 * 1024;

/** `ended` resolves with the server's last byte. */
type Relay = (source: ReadableStream, length: number) => { body: ReadableStream; ended: Promise<void> };

const RELAYS: Record<string, Relay> = {
  /** The runtime's own pipe, which knows neither a server that falls silent nor a client that is slow. */
  pipe: (source, length) => {
    const { readable, writable } = new FixedLengthStream(length);
    return { body: readable, ended: source.pipeTo(writable) };
  },
  /** One branch goes to the client untouched, the other shows where it ends. */
  tee: (source) => {
    const [body, watched] = source.tee();
    return { body, ended: readThrough(watched) };
  },
};

function readAndGiveOn(
  source: ReadableStream,
  length: number,
): { body: ReadableStream; ended: Promise<void> } {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const reader = source.getReader({ mode: "byob" });
  let memory = new ArrayBuffer(READ_BYTES);
  let left = length;
  const body = new ReadableStream<Uint8Array>(
    {
      expectedLength: length,
      async pull(controller) {
        const { value } = await reader.readAtLeast(Math.min(READ_BYTES, left), new Uint8Array(memory));
        if (value) {
          memory = value.buffer as ArrayBuffer;
          left -= value.byteLength;
          controller.enqueue(value);
        }
        if (value && left > 0) return;
        controller.close();
        resolve();
      },
      cancel: () => resolve(),
    },
    { highWaterMark: 0 },
  );
  return { body, ended };
}

async function readThrough(source: ReadableStream): Promise<void> {
  const reader = source.getReader({ mode: "byob" });
  let memory = new ArrayBuffer(READ_BYTES);
  for (;;) {
    const { done, value } = await reader.readAtLeast(READ_BYTES, new Uint8Array(memory));
    if (done) return;
    memory = value.buffer as ArrayBuffer;
  }
}
