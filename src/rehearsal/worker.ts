/**
 * What `sluice rehearse` deploys: Sluice as it is, single-flight servers, and routes that measure. It is public while it
 * runs, so nothing answers without the token.
 */
import { admin } from "../admin/app.ts";
import { requireToken } from "../admin/auth.ts";
import sluice from "../index.ts";
import { Refusal } from "../refusals/refusal.ts";
import { refusalResponse } from "../refusals/response.ts";
import type { RehearsalEnv } from "./env.ts";
import { rehearsal } from "./routes.ts";

export { Deferred, Pool } from "../index.ts";
export { Gauge } from "./gauge.ts";
export { SingleFlight } from "./single-flight.ts";

admin.route("/rehearsal", rehearsal);

export default {
  async fetch(request, env, ctx) {
    try {
      await requireToken(env, request.headers.get("authorization") ?? "");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return refusalResponse(error, request, crypto.randomUUID());
    }
    return sluice.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<RehearsalEnv>;
