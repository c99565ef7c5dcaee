import { admin } from "./admin/app.ts";
import { targetOf } from "./carry/target.ts";
import { readAdminHost } from "./config/admin.ts";
import { dashboard } from "./dashboard/dashboard.ts";
import type { Env } from "./link/env.ts";
import { proxy } from "./proxy/proxy.ts";

export { Pool } from "./pool/pool.ts";

/** The page stands behind the admin side's door: what is mounted last is behind all that comes before it. */
admin.route("/", dashboard);

const ADMIN_PATH = "/_sluice/";
/** Most requests are none of the admin side's: they need not be taken apart for that. Parsing drops tabs and breaks. */
const MAY_BE_ADMIN = /_sluice|[\t\n\r]/;

export default {
  fetch(request, env, ctx) {
    const url = MAY_BE_ADMIN.test(request.url) && targetOf(request) ? new URL(request.url) : null;
    if (!url || !isAdmin(url, env)) return proxy(request, env, ctx);
    // Its routes are found by the text of the address.
    return admin.fetch(url.href === request.url ? request : new Request(url, request), env, ctx);
  },
} satisfies ExportedHandler<Env>;

/** By the path as it is parsed, which is the one that a server would get: `/_sluice\api` is `/_sluice/api`. */
function isAdmin(url: URL, env: Env): boolean {
  if (!url.pathname.startsWith(ADMIN_PATH)) return false;
  // Unset, or none that a request can have: then the admin side is there to say so, and opens to nobody.
  const host = readAdminHost(env.ADMIN_HOST);
  // A dot at the end is the same host, fully qualified.
  return host === undefined || url.hostname.replace(/\.$/, "") === host;
}
