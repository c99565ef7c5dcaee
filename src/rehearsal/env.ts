import type { Env } from "../link/env.ts";
import type { Gauge } from "./gauge.ts";
import type { SingleFlight } from "./single-flight.ts";

/** What the Worker has with Sluice in it. */
export interface RehearsalEnv extends Env {
  SERVERS: DurableObjectNamespace<SingleFlight>;
  GAUGE: DurableObjectNamespace<Gauge>;
  /** Changed by a deploy under load. */
  REVISION?: string;
}

export const POOL = "rehearsal";
