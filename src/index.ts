import { admin } from "./admin/app.ts";
import { dashboard } from "./dashboard/dashboard.ts";
import type { Env } from "./pool/env.ts";
import { proxy } from "./proxy/proxy.ts";

export { Pool } from "./pool/pool.ts";

/** The page stands behind the admin side's door: what is mounted last is behind all that comes before it. */
admin.route("/", dashboard);

const ADMIN_PATH = "/_sluice/";

export default {
  fetch(request, env, ctx) {
    return isAdmin(request.url, env) ? admin.fetch(request, env, ctx) : proxy(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;

function isAdmin(address: string, env: Env): boolean {
  // Most requests are none of the admin side's: they need not be taken apart here.
  if (!address.includes(ADMIN_PATH)) return false;
  const url = URL.parse(address);
  if (!url?.pathname.startsWith(ADMIN_PATH)) return false;
  return !env.ADMIN_HOST || url.hostname === env.ADMIN_HOST.toLowerCase();
}
