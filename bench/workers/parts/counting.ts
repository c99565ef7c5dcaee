/** The Worker and the objects beside it share an isolate here, and nothing restarts: one set of counts is enough. */
let counts: Record<string, number> = {};

const PATH = "/__bench/counts";

export function count(what: string, by = 1): void {
  counts[what] = (counts[what] ?? 0) + by;
}

/** Keeps the highest of all values. */
export function countMost(what: string, value: number): void {
  counts[what] = Math.max(counts[what] ?? 0, value);
}

/** Every call of a stub is a session of its own, which is billed as one request of the object. */
export function withCountedCalls<T extends object>(kind: string, stub: T): T {
  return new Proxy(stub, {
    get:
      (target, name) =>
      (...given: unknown[]) => {
        count(`call: ${kind}.${String(name)}`);
        // Not by `apply`: that would be taken for a property of the remote method.
        const methods = target as unknown as Record<string | symbol, (...given: unknown[]) => unknown>;
        return methods[name]?.(...given);
      },
  });
}

/** Counts the rows that statements write, by table. */
export function countRows(kind: string, sql: SqlStorage): void {
  const exec = sql.exec.bind(sql);
  sql.exec = ((statement: string, ...given: unknown[]) => {
    const cursor = exec(statement, ...given);
    const table = /^\s*(?:INSERT(?: OR REPLACE)? INTO|DELETE FROM|UPDATE) (\w+)/.exec(statement)?.[1];
    // Not all rows are written before the last one is read.
    const rows = table ? cursor.toArray() : null;
    if (table) count(`rows: ${kind}.${table}`, cursor.rowsWritten);
    return rows ? { toArray: () => rows } : cursor;
  }) as SqlStorage["exec"];
}

/** The same Worker with its requests counted; it tells all counts at a path of its own, and after `DELETE` begins anew. */
export function counted<Env>(
  worker: { fetch(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response> },
  withCounts: (env: Env) => Env,
) {
  return {
    async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
      if (new URL(request.url).pathname === PATH) {
        const told = counts;
        if (request.method === "DELETE") counts = {};
        return Response.json(told);
      }
      count("requests");
      return worker.fetch(request, withCounts(env), ctx);
    },
  };
}
