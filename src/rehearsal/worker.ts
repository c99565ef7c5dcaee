/**
 * What `sluice rehearse` deploys: Sluice as it is, single-flight servers, and routes that measure. It is public while it
 * runs, so nothing answers without the token.
 */
import { Hono } from "hono";
import { signedIn } from "../admin/sign-in/sign-in.ts";
import sluice from "../index.ts";
import { isolateId } from "../link/line.ts";
import { Refusal } from "../refusals/refusal.ts";
import { refusalResponse } from "../refusals/response.ts";
import type { RehearsalEnv } from "./env.ts";
import { CAME_HEADER, ISOLATE_HEADER } from "./messages.ts";
import { rehearsal } from "./routes.ts";

export { Deferred, Pool } from "../index.ts";
export { Gauge } from "./gauge.ts";
export { SingleFlight } from "./single-flight.ts";

const ROUTES = new Hono<{ Bindings: RehearsalEnv }>().route("/_sluice/rehearsal", rehearsal);

export default {
  async fetch(request, env, ctx) {
    try {
      await signedIn(env, request.headers);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return refusalResponse(error, request, crypto.randomUUID());
    }
    const isOwn = new URL(request.url).pathname.startsWith("/_sluice/rehearsal/");
    if (isOwn) return ROUTES.fetch(request, env, ctx);
    const cameAt = Date.now();
    const response = await sluice.fetch(request, env, ctx);
    response.headers.set(ISOLATE_HEADER, isolateId());
    response.headers.set(CAME_HEADER, String(cameAt));
    return response;
  },
} satisfies ExportedHandler<RehearsalEnv>;
