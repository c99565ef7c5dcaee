import { Hono } from "hono";
import { loadConfig } from "../config/load.ts";
import { isolateId } from "../link/line.ts";
import { POOL, type RehearsalEnv } from "./env.ts";
import {
  type IsolateReport,
  type PlacesReport,
  type RateReport,
  SERVERS_AT_ONCE,
  type ServerReport,
  type TimesReport,
} from "./messages.ts";

/** An invocation of the free plan has 50 subrequests; this many calls of four kinds fit. */
const CALLS = 10;
const CALLS_AT_ONCE = 40;

/** What is measured and told beside the requests themselves. Behind the token, as everything of the rehearsal is. */
export const rehearsal = new Hono<{ Bindings: RehearsalEnv }>()
  .get("/isolate", (c) => {
    const { REVISION: revision = "" } = c.env;
    return c.json({ isolate: isolateId(), revision, colo: coloOf(c.req.raw) } satisfies IsolateReport);
  })
  .get("/servers", async (c) => {
    const from = Number(c.req.query("from") ?? 0);
    const servers = serversOf(c.env).slice(from, from + SERVERS_AT_ONCE);
    const reports: ServerReport[] = await Promise.all(servers.map((server) => server.report()));
    return c.json(reports);
  })
  // A server without Sluice in front of it.
  .get("/direct/:server", async (c) => {
    const server = c.env.SERVERS.getByName(c.req.param("server"));
    const { search } = new URL(c.req.url);
    return server.fetch(`http://server/direct${search}`);
  })
  .get("/times", async (c) => {
    const gauge = c.env.GAUGE.getByName("gauge");
    const pool = c.env.POOL.getByName(POOL);
    const server = c.env.SERVERS.getByName("bystander");
    const askServer = async () => void (await (await server.fetch("http://server/times")).arrayBuffer());
    // The first calls may have to wake an object.
    await Promise.all([gauge.call(), pool.snapshot(), askServer()]);
    return c.json({
      calls: CALLS,
      call: await each(() => gauge.call()),
      write: await each(() => gauge.write()),
      pool: await each(() => pool.snapshot()),
      server: await each(askServer),
    } satisfies TimesReport);
  })
  .get("/rate", async (c) => {
    const gauge = c.env.GAUGE.getByName("gauge");
    const startedAt = Date.now();
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, () => gauge.write()));
    return c.json({ calls: CALLS_AT_ONCE, ms: Date.now() - startedAt } satisfies RateReport);
  })
  .get("/places", async (c) => {
    const [object, server] = await Promise.all([
      c.env.GAUGE.getByName("gauge").place(),
      serversOf(c.env)[0]?.place() ?? null,
    ]);
    return c.json({ worker: coloOf(c.req.raw), object, server } satisfies PlacesReport);
  });

function serversOf(env: RehearsalEnv) {
  const { servers = [] } = loadConfig(env).pools.get(POOL) ?? {};
  return servers.map(({ name }) => env.SERVERS.getByName(name));
}

/** Several one after another, as the clock of a Worker has milliseconds only. */
async function each(call: () => Promise<unknown>): Promise<number> {
  const startedAt = Date.now();
  for (let n = 0; n < CALLS; n++) await call();
  return (Date.now() - startedAt) / CALLS;
}

function coloOf({ cf }: Request): string | null {
  return typeof cf?.colo === "string" ? cf.colo : null;
}
