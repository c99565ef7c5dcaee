import type { Fleet } from "./fleet.ts";
import type { Gate } from "./gate.ts";
import type { Lines } from "./progress.ts";

const OWNER = "rehearsal";

export interface Stage {
  gate: Gate;
  fleet: Fleet;
}

/** A deploy of all servers: drain, servers down and, after `meanwhile`, up again, resume. */
export async function deploy(
  { gate: { admin }, fleet }: Stage,
  { say }: Lines,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const before = await admin.snapshot();
  say("draining…");
  const after = await admin.drain({ wait: "30s", owner: OWNER, reason: "rehearsal of a deploy" });
  if (after.state !== "drained") throw new Error(`Not drained in 30 s: ${after.inFlight} still in flight.`);
  if (fleet.busy > 0) throw new Error(`Drained, and yet ${fleet.busy} servers are at work.`);
  say(`drained: in flight ${before.inFlight} → ${after.inFlight}, ${after.queued} waiting`);
  await fleet.stop();
  say("deploy: servers down");
  await meanwhile();
  await fleet.start();
  say("deploy: servers up");
  await admin.resume({ owner: OWNER });
  say("resumed");
}
