/**
 * The module in front of the Worker, in its own isolate, where `sluice serve` runs it: it tells the Worker who the client
 * is, which Cloudflare does elsewhere, and lets requests end before the process does. Plain JavaScript, as workerd
 * reads it.
 */
import sluice, { Deferred, Pool } from "sluice";

export { Deferred, Pool };

/** Whose drains end with the next start. */
const OWNER = "sluice serve";
const ADMIN_PATH = /^\/_sluice(\/|$)/;
/** Answered on every host. */
const REQUESTS_PATH = "/_sluice/requests/";
/** How often a stop looks whether all is over, in ms. */
const LOOK_EVERY_MS = 20;
/** How much longer than the stop its drain lasts, in ms: the process has to end in between. */
const DRAIN_MARGIN_MS = 30_000;

/**
 * Requests that are not over: until their answer has been sent, and the work is done that goes on after it. `refuse`
 * answers one that has no answer yet; `null`: it has one.
 */
const open = new Set();
let refusesNew = false;

export default {
  async fetch(request, env, ctx) {
    const known = asFromClient(request, env);
    // Neither an operator's look nor an open dashboard holds up a stop, or is refused in one.
    if (isAdmin(request.url, env)) return sluice.fetch(known, env, ctx);
    if (refusesNew) return refusal(request);
    const entry = { pending: 0, refuse: null };
    // A stop has a context of its own, in which the answer to this request cannot be made.
    const refused = new Promise((resolve) => {
      entry.refuse = () => resolve(null);
    });
    open.add(entry);
    const answered = sluice.fetch(known, env, following(entry, ctx));
    follow(entry, answered);
    try {
      return (await Promise.race([answered, refused])) ?? refusal(request);
    } finally {
      entry.refuse = null;
    }
  },
};

/** By the parsed path, and on the host that ADMIN_HOST names, as the Worker decides (src/index.ts). */
function isAdmin(address, { ADMIN_HOST: host }) {
  if (!address.includes("_sluice")) return false;
  const url = URL.parse(address);
  if (!url || !ADMIN_PATH.test(url.pathname)) return false;
  if (host === undefined || url.pathname.startsWith(REQUESTS_PATH)) return true;
  return url.hostname.replace(/\.$/, "") === String(host).toLowerCase();
}

/** Only on the socket of loopback that `sluice serve` itself uses. */
export const control = {
  async fetch(request, env, ctx) {
    if (request.headers.get("authorization") !== env.SLUICE_SERVE_KEY)
      return new Response(null, { status: 403 });
    const { pools, graceMs, refuseNew } = await request.json();
    // Each time a fresh stub: one that has thrown stays broken.
    const reached = pools.map((name) => () => env.POOL.getByName(name));
    if (request.url.endsWith("/start")) {
      await start(reached);
      return new Response(null, { status: 204 });
    }
    refusesNew = refuseNew;
    // Headers at once: this stop has begun, and its connection keeps the runtime alive, which may be told to end.
    const { readable, writable } = new TransformStream();
    const told = stop(reached, graceMs).then((left) =>
      new Blob([JSON.stringify(left)]).stream().pipeTo(writable),
    );
    ctx.waitUntil(told);
    return new Response(readable);
  },
};

/** Ends the drains of the last stop. An operator's drain under the same owner is not one, and is held. */
async function start(pools) {
  await Promise.all(
    pools.map(async (pool) => {
      const { drain } = await pool().snapshot();
      if (drain?.owner === OWNER) await pool().resume({ owner: OWNER, force: "no" }, newAct());
    }),
  );
}

/** Who drains: no operator. The pool's audit has it all the same. */
function newAct() {
  return { id: crypto.randomUUID(), by: OWNER, via: "serve", address: null, agent: null };
}

/**
 * Half of the time is for all; then nobody gets a server any more, and the other half is for those that have one.
 * Resolves with the number of requests that had to be refused, and of those whose answer was not over.
 */
async function stop(pools, graceMs) {
  const endsAt = Date.now() + graceMs;
  await until(() => open.size === 0, endsAt - graceMs / 2);
  await drain(pools, graceMs).catch(() => {});
  await until(async () => {
    const areAtWork = await Promise.all(pools.map(isAtWork));
    return !areAtWork.includes(true) && [...open].every(({ refuse }) => refuse);
  }, endsAt);
  const waiting = [...open].filter(({ refuse }) => refuse);
  for (const entry of waiting) {
    entry.refuse();
    open.delete(entry);
  }
  await until(() => open.size === 0, endsAt);
  return { refused: waiting.length, cutOff: open.size };
}

/** Holds what waits, deferred requests too. A drain of somebody else's does that as well, and stays theirs. */
async function drain(pools, graceMs) {
  await Promise.all(
    pools.map(async (pool) => {
      const { inFlight, queued, drain } = await pool().snapshot();
      if (drain || inFlight + queued === 0) return;
      const request = { owner: OWNER, reason: "stops", expiresMs: graceMs + DRAIN_MARGIN_MS, extend: false };
      await pool().drain(request, newAct());
    }),
  );
}

/** True also for a pool that does not answer, as while it restarts. */
async function isAtWork(pool) {
  try {
    const { inFlight, quarantined } = await pool().snapshot();
    return inFlight > quarantined;
  } catch {
    return true;
  }
}

async function until(holds, endsAt) {
  while (!(await holds()) && Date.now() < endsAt) await scheduler.wait(LOOK_EVERY_MS);
}

function follow(entry, work) {
  entry.pending++;
  const done = () => {
    if (--entry.pending === 0) open.delete(entry);
  };
  work.then(done, done);
}

function following(entry, ctx) {
  return {
    waitUntil(work) {
      follow(entry, work);
      ctx.waitUntil(work);
    },
    passThroughOnException: () => ctx.passThroughOnException(),
    abort(reason) {
      // Nothing of this request runs after that.
      open.delete(entry);
      ctx.abort(reason);
    },
  };
}

/**
 * The request with what Cloudflare would say of its client, and nothing of that kind from the client itself.
 * Behind a proxy, that one's word counts: it appends to X-Forwarded-For whom it has seen.
 */
function asFromClient(request, env) {
  const headers = new Headers(request.headers);
  for (const name of [...headers.keys()]) if (name.startsWith("cf-")) headers.delete(name);
  const proxied = env.SLUICE_SERVE_BEHIND_PROXY && headers.get("x-forwarded-for")?.split(",").at(-1)?.trim();
  const address = addressOf(proxied || request.cf?.clientIp);
  if (address) headers.set("CF-Connecting-IP", address);
  return new Request(request, { headers, signal: request.signal });
}

/**
 * `127.0.0.1` of `127.0.0.1:53674` and of `[::ffff:127.0.0.1]:53674`, `::1` of `[::1]:53674`: each connection has another
 * port, and would count as another client.
 */
function addressOf(peer) {
  return peer
    ?.replace(/^([\d.]+):\d+$/, "$1")
    .replace(/^\[(.*)\](?::\d+)?$/, "$1")
    .replace(/^::ffff:(?=\d+\.)/i, "");
}

function refusal(request) {
  const id = request.headers.get("x-request-id");
  const headers = {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    "Retry-After": "2",
    ...(id === null ? {} : { "X-Request-Id": id }),
  };
  const problem = {
    type: "about:blank",
    title: "Sluice is being stopped",
    status: 503,
    detail: "The request was not answered before Sluice had to end. Try again later.",
    code: "stopping",
  };
  return new Response(request.method === "HEAD" ? null : JSON.stringify(problem), { status: 503, headers });
}
