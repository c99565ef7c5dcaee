/**
 * Sluice as it is, with every message between Worker and objects, every alarm and every row that they write counted. For
 * a look at what a request costs; never for a measurement of time.
 */
import sluice, { Deferred as RealDeferred, Pool as RealPool } from "../../src/index.ts";
import type { Env } from "../../src/link/env.ts";
import { LeaseHandle, TicketHandle } from "../../src/pool/handles.ts";
import { count, counted, countMost, countRows, withCountedCalls } from "./parts/counting.ts";
import { Gate, nameAgain, type SpreadEnv, withSpreadObjects } from "./parts/spread.ts";

type Method = (...given: unknown[]) => unknown;

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

function withCounts(env: Env): Env {
  const pool: Pick<Env["POOL"], "getByName"> = {
    getByName: (name, options) => withCountedCalls("pool", env.POOL.getByName(name, options)),
  };
  const deferred: Pick<Env["DEFERRED"], "get" | "newUniqueId" | "idFromString"> = {
    get: (id, options) => withCountedCalls("deferred", env.DEFERRED.get(id, options)),
    newUniqueId: (options) => env.DEFERRED.newUniqueId(options),
    idFromString: (id) => env.DEFERRED.idFromString(id),
  };
  return { ...env, POOL: pool as Env["POOL"], DEFERRED: deferred as Env["DEFERRED"] };
}

export class Pool extends RealPool {
  readonly #gate: Gate;

  constructor(ctx: DurableObjectState, env: SpreadEnv) {
    nameAgain(ctx, env);
    countRows("pool", ctx.storage.sql);
    countAlarms("pool", ctx.storage);
    super(ctx, withCounts(withSpreadObjects(env)));
    this.#gate = new Gate(env);
  }

  override enter(...given: Parameters<RealPool["enter"]>): ReturnType<RealPool["enter"]> {
    return this.#gate.through(() => super.enter(...given));
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
    super(ctx, withCounts(env));
  }

  override alarm(): Promise<void> {
    count("alarm: deferred");
    return super.alarm();
  }
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
      countMost("bytes: deferred", sql.databaseSize);
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

export default counted(sluice, (env: SpreadEnv) => withCounts(withSpreadObjects(env)));
