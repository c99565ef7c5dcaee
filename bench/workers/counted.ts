/**
 * Sluice as it is, with every message between Worker and object and every row of the ledger counted. For a look at
 * what a request costs; never for a measurement of time.
 */
import sluice from "../../src/index.ts";
import type { Env } from "../../src/link/env.ts";
import type { Ended, EnterRequest } from "../../src/link/protocol.ts";
import { LeaseHandle, TicketHandle } from "../../src/pool/handles.ts";
import { Pool as RealPool } from "../../src/pool/pool.ts";

/** The object and the Worker share an isolate here, and nothing restarts: one set of counts is enough. */
const counts: Record<string, number> = {};

function count(what: string, by = 1): void {
  counts[what] = (counts[what] ?? 0) + by;
}

for (const [kind, handle] of Object.entries({ lease: LeaseHandle, ticket: TicketHandle })) {
  const methods = handle.prototype as unknown as Record<string | symbol, (...given: unknown[]) => unknown>;
  for (const name of Reflect.ownKeys(methods).filter((key) => key !== "constructor")) {
    const method = methods[name] as (...given: unknown[]) => unknown;
    methods[name] = function (this: unknown, ...given: unknown[]) {
      count(`message: ${kind}.${typeof name === "symbol" ? "dispose" : name}`);
      return method.apply(this, given);
    };
  }
}

export class Pool extends RealPool {
  constructor(ctx: DurableObjectState, env: Env) {
    countWrites(ctx.storage);
    super(ctx, env);
  }

  override enter(request: EnterRequest) {
    count("message: enter");
    return super.enter(request);
  }

  override end(ended: Ended[]) {
    count("message: end");
    return super.end(ended);
  }
}

function countWrites(storage: DurableObjectStorage): void {
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  sql.exec = ((statement: string, ...given: unknown[]) => {
    const cursor = exec(statement, ...given);
    const table = /^\s*(?:INSERT OR REPLACE INTO|DELETE FROM|UPDATE) (\w+)/.exec(statement)?.[1];
    if (table) count(`rows written: ${table}`, cursor.rowsWritten);
    return cursor;
  }) as SqlStorage["exec"];
}

export default {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname === "/__bench/counts") return Response.json(counts);
    count("requests");
    return sluice.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
