import { bodies } from "./bodies.ts";
import { connections } from "./connections.ts";
import { drain } from "./drain.ts";
import { fair } from "./fair.ts";
import { latency } from "./latency.ts";
import type { Scenario } from "./scenario.ts";
import { scheduler } from "./scheduler.ts";
import { shards } from "./shards.ts";
import { start } from "./start.ts";
import { throughput } from "./throughput.ts";
import { utilisation } from "./utilisation.ts";
import { waitingList } from "./waiting-list.ts";

export const SCENARIOS: readonly Scenario[] = [
  latency,
  throughput,
  utilisation,
  fair,
  bodies,
  waitingList,
  drain,
  start,
  scheduler,
  shards,
  connections,
];
