/**
 * The usual way: everything goes through one Durable Object, which counts. As durable as Sluice: a row is written
 * for each slot taken and each given back, and the runtime sends neither the request nor the answer before it is
 * on disk. Kinder to itself than Sluice: a slot is free at the response's headers, not at its last byte, and
 * neither a restart of the object nor a client that leaves is looked after.
 */
import { DurableObject } from "cloudflare:workers";

interface Env {
  COUNTER: DurableObjectNamespace<Counter>;
  SERVERS: string[];
}

export class Counter extends DurableObject<Env> {
  readonly #free = [...this.env.SERVERS];
  readonly #waiting: ((server: string) => void)[] = [];

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS slots (server TEXT PRIMARY KEY, taken INTEGER)");
  }

  override async fetch(request: Request): Promise<Response> {
    const server = this.#free.shift() ?? (await new Promise<string>((turn) => this.#waiting.push(turn)));
    this.#count(server, 1);
    try {
      const { pathname } = new URL(request.url);
      return await fetch(server + pathname, request);
    } finally {
      this.#count(server, 0);
      const next = this.#waiting.shift();
      if (next) next(server);
      else this.#free.push(server);
    }
  }

  #count(server: string, taken: number): void {
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO slots (server, taken) VALUES (?, ?)", server, taken);
  }
}

export default {
  fetch: (request, env) => env.COUNTER.getByName("pool").fetch(request),
} satisfies ExportedHandler<Env>;
