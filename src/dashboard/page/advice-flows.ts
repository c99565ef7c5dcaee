import type { Snapshot } from "../../scheduler/snapshot.ts";
import { crowdOf, flowName } from "../../words/flow.ts";
import { grouped, takesRequests } from "../../words/phrases.ts";
import type { Advice, Facts, Symptoms } from "./advice-causes.ts";
import { refusalWords, sentences } from "./advice-words.ts";

/** Clients have sent more than may wait of one, which is what the limit is for. */
export function onFlows({ pool, now }: Facts, { refusals }: Symptoms): Advice {
  const text = sentences(
    `${refusalWords(refusals, now)}: their clients had as many waiting as max_queue_per_flow allows`,
    crowdWords(pool),
    "Others are served beside them; raise it if one client may have more",
  );
  return { cause: "flows", weight: "plain", text };
}

/** `480 of the 500 that wait are of one flow (4f2a9c01d3e5b768)`; `null`: no client has most of the waiting list. */
export function crowdWords(pool: Snapshot): string | null {
  const crowd = crowdOf(pool);
  if (crowd === null) return null;
  return `${grouped(crowd.queued)} of the ${grouped(pool.queued)} that wait are of one flow (${flowName(crowd)})`;
}

/** True if one client has most of the waiting list although not all slots are taken: it may have as many as it may hold. */
export function seemsHeldBack(pool: Snapshot): boolean {
  const inUse = pool.servers.filter(takesRequests);
  // A backup waits for the others to be down.
  const usual = inUse.filter(({ backup }) => !backup);
  const used = usual.length > 0 ? usual : inUse;
  return crowdOf(pool) !== null && used.some(({ inFlight, slots }) => inFlight < slots);
}

export const HELD_BACK =
  "Slots seem free meanwhile: max_in_flight_per_flow may hold them back; raise it if one client may have more";
