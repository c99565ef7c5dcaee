import type { Snapshot } from "../../scheduler/snapshot.ts";
import { queuedDirectly } from "../../words/capacity.ts";
import { lostShards, shardsNamed, unknownWords } from "../../words/shards.ts";
import { duration } from "../../words/times.ts";

/** How many leases are named. */
const MOST = 10;

/** `3 in flight, 12 queued, oldest 2.1 s, 40 deferred`; of a pool of several objects also `shard 3 not reached`. */
export function counts(pool: Snapshot): string {
  const { inFlight, quarantined, oldestWaitMs } = pool;
  const unsure = quarantined > 0 ? ` (${quarantined} quarantined)` : "";
  const oldest = queuedDirectly(pool) > 0 ? `, oldest ${duration(oldestWaitMs)}` : "";
  const lost = lostShards(pool);
  const unreached = lost.length > 0 ? `, ${shardsNamed(lost)} not reached` : "";
  return `${inFlight} in flight${unsure}, ${queuedCounts(pool, oldest)}${unreached}`;
}

/** `12 queued, 40 deferred`. `oldest`: what else there is to say of the first. */
export function queuedCounts(pool: Pick<Snapshot, "queued" | "deferred">, oldest = ""): string {
  const deferred = pool.deferred?.queued ?? 0;
  return `${queuedDirectly(pool)} queued${oldest}${deferred > 0 ? `, ${deferred} deferred` : ""}`;
}

/** The leases and their ages: `web-1 for 12 s, web-3 for 40 s (quarantined)`; last, where nobody knows. */
export function leasesLeft(pool: Snapshot, now: number): string {
  const all = pool.servers.flatMap(({ name, leases }) => leases.map((lease) => ({ name, ...lease })));
  const words = all.map(({ name, since, quarantined }) => {
    const age = duration(now - Date.parse(since));
    return `${name} for ${age}${quarantined ? " (quarantined)" : ""}`;
  });
  const first = words.slice(0, MOST).join(", ");
  const known = words.length > MOST ? `${first} and ${words.length - MOST} more` : first;
  return [known, unknownWords(pool)].filter(Boolean).join(", and ");
}
