import { admin } from "./admin/app.ts";
import { targetOf } from "./carry/target.ts";
import { readAdminHost } from "./config/admin.ts";
import { loadConfig } from "./config/load.ts";
import { dashboard } from "./dashboard/dashboard.ts";
import { REQUESTS_PATH } from "./link/deferred-id.ts";
import type { Env } from "./link/env.ts";
import { proxy } from "./proxy/proxy.ts";
import { requests } from "./requests/requests.ts";

export { Deferred } from "./deferred/deferred.ts";
export { Pool } from "./pool/pool.ts";

/** Mounted after the admin side's middleware, so that its authentication covers the dashboard too. */
admin.route("/", dashboard);

/** Without the slash at its end, it is redirected there. */
const ADMIN_PATH = /^\/_sluice(\/|$)/;
/**
 * Spares most requests the parsing of their URL. Parsing drops tabs and line breaks, so an address with one of them may
 * become one of the admin side's.
 */
const MAY_BE_ADMIN = /_sluice|[\t\n\r]/;

export default {
  fetch(request, env, ctx) {
    const url = MAY_BE_ADMIN.test(request.url) && targetOf(request) ? new URL(request.url) : null;
    if (url?.pathname.startsWith(REQUESTS_PATH) && storesRequests(env)) return requests(request, env, ctx);
    if (!url || !isAdmin(url, env)) return proxy(request, env, ctx);
    // Hono routes by the text of `request.url`, which must therefore be the parsed one.
    return admin.fetch(url.href === request.url ? request : new Request(url, request), env, ctx);
  },
} satisfies ExportedHandler<Env>;

/** Without a pool that stores requests, their path is like any other's. It is the same on every host. */
function storesRequests(env: Env): boolean {
  try {
    return [...loadConfig(env).pools.values()].some(({ deferred }) => deferred !== null);
  } catch {
    return false;
  }
}

/** Decides by the parsed path, in which `/_sluice\api` is `/_sluice/api`: that is the path that a server would get. */
function isAdmin(url: URL, env: Env): boolean {
  if (!ADMIN_PATH.test(url.pathname)) return false;
  // `undefined`: it is not set, and the admin side answers on every host; or no request can have this host, and the
  // admin side answers on every host only to say so (`refuseBadHost`).
  const host = readAdminHost(env.ADMIN_HOST);
  // A trailing dot makes the name fully qualified; it is the same host.
  return host === undefined || url.hostname.replace(/\.$/, "") === host;
}
