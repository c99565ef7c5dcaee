import { admin } from "./admin/app.ts";
import type { Env } from "./pool/env.ts";
import { proxy } from "./proxy/proxy.ts";

export { Pool } from "./pool/pool.ts";

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
