/**
 * Sluice as it is, with every message between Worker and objects, every alarm and every row that they write counted. For
 * a look at what a request costs; never for a measurement of time.
 */
import sluice, { Deferred as RealDeferred, Pool as RealPool } from "../../src/index.ts";
import type { Env } from "../../src/link/env.ts";
import { LeaseHandle, TicketHandle } from "../../src/pool/handles.ts";

type Method = (...given: unknown[]) => unknown;

/** The objects and the Worker share an isolate here, and nothing restarts: one set of counts is enough. */
let counts: Record<string, number> = {};

function count(what: string, by = 1): void {
  counts[what] = (counts[what] ?? 0) + by;
}

for (const [kind, handle] of Object.entries({ lease: LeaseHandle, ticket: TicketHandle })) {
  const methods = handle.prototype as unknown as Record<string | symbol, Method>;
  for (const name of Reflect.ownKeys(methods).filter((key) => key !== "constructor")) {
    const method = methods[name] as Method;
    methods[name] = function (this: unknown, ...given: unknown[]) {
      count(`message: ${kind}.${typeof name === "symbol" ? "dispose" : name}`);
      return method.apply(this, given);
    };
  }
}

/** Every call of a stub is a session of its own, which is billed as one request of the object. */
function withCountedCalls(env: Env): Env {
  const counted = <T extends object>(kind: string, stub: T): T =>
    new Proxy(stub, {
      get:
        (target, name) =>
        (...given: unknown[]) => {
          count(`call: ${kind}.${String(name)}`);
          // Not by `apply`: that would be taken for a property of the remote method.
          return (target as unknown as Record<string | symbol, Method>)[name]?.(...given);
        },
    });
  const pool: Pick<Env["POOL"], "getByName"> = {
    getByName: (name, options) => counted("pool", env.POOL.getByName(name, options)),
  };
  const deferred: Pick<Env["DEFERRED"], "get" | "newUniqueId" | "idFromString"> = {
    get: (id, options) => counted("deferred", env.DEFERRED.get(id, options)),
    newUniqueId: (options) => env.DEFERRED.newUniqueId(options),
    idFromString: (id) => env.DEFERRED.idFromString(id),
  };
  return { ...env, POOL: pool as Env["POOL"], DEFERRED: deferred as Env["DEFERRED"] };
}

export class Pool extends RealPool {
  constructor(ctx: DurableObjectState, env: Env) {
    countStatements(ctx.storage);
    countAlarms("pool", ctx.storage);
    super(ctx, withCountedCalls(env));
  }

  override alarm(): void {
    count("alarm: pool");
    super.alarm();
  }
}

export class Deferred extends RealDeferred {
  constructor(ctx: DurableObjectState, env: Env) {
    countValues(ctx.storage);
    countAlarms("deferred", ctx.storage);
    super(ctx, withCountedCalls(env));
  }

  override alarm(): Promise<void> {
    count("alarm: deferred");
    return super.alarm();
  }
}

function countStatements({ sql }: DurableObjectStorage): void {
  const exec = sql.exec.bind(sql);
  sql.exec = ((statement: string, ...given: unknown[]) => {
    const cursor = exec(statement, ...given);
    const table = /^\s*(?:INSERT(?: OR REPLACE)? INTO|DELETE FROM|UPDATE) (\w+)/.exec(statement)?.[1];
    // Not all rows are written before the last one is read.
    const rows = table ? cursor.toArray() : null;
    if (table) count(`rows: pool.${table}`, cursor.rowsWritten);
    return rows ? { toArray: () => rows } : cursor;
  }) as SqlStorage["exec"];
}

/** What `kv` keeps is in a table of its own; SQLite says how many of its rows a call has changed. */
function countValues(storage: DurableObjectStorage): void {
  const { kv, sql } = storage;
  const changes = () => sql.exec<{ n: number }>("SELECT total_changes() AS n").one().n;
  for (const name of ["put", "delete"] as const) {
    const method = kv[name].bind(kv) as Method;
    (kv as unknown as Record<string, Method>)[name] = (...given) => {
      const before = changes();
      const result = method(...given);
      count(`rows: deferred.${String(given[0]).replace(/ \d+$/, " row")}`, changes() - before);
      counts["bytes: deferred"] = Math.max(counts["bytes: deferred"] ?? 0, sql.databaseSize);
      return result;
    };
  }
  const deleteAll = storage.deleteAll.bind(storage);
  storage.deleteAll = (options) => {
    count("rows of deleteAll: deferred", [...kv.list()].length);
    return deleteAll(options);
  };
}

/** Each is billed as one row. */
function countAlarms(kind: string, storage: DurableObjectStorage): void {
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = (at, options) => {
    count(`rows: ${kind}.setAlarm`);
    return setAlarm(at, options);
  };
}

export default {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname === "/__bench/counts") {
      const told = counts;
      if (request.method === "DELETE") counts = {};
      return Response.json(told);
    }
    count("requests");
    return sluice.fetch(request, withCountedCalls(env), ctx);
  },
} satisfies ExportedHandler<Env>;
