import { admin } from "./admin/app.ts";
import { dashboard } from "./dashboard/dashboard.ts";
import type { Env } from "./pool/env.ts";
import { proxy } from "./proxy/proxy.ts";

export { Pool } from "./pool/pool.ts";

/** The page stands behind the admin side's door: what is mounted last is behind all that comes before it. */
admin.route("/", dashboard);

export default {
  fetch(request, env, ctx) {
    const url = URL.parse(request.url);
    return url && isAdmin(url, env) ? admin.fetch(request, env, ctx) : proxy(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;

function isAdmin(url: URL, env: Env): boolean {
  if (!url.pathname.startsWith("/_sluice/")) return false;
  return !env.ADMIN_HOST || url.hostname === env.ADMIN_HOST.toLowerCase();
}
