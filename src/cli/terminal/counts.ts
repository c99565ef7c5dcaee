import type { Snapshot } from "../../scheduler/snapshot.ts";
import { duration } from "../../words/times.ts";

/** How many leases are named. */
const MOST = 10;

/** `3 in flight, 12 queued, oldest 2.1 s`. */
export function counts({ inFlight, quarantined, queued, oldestWaitMs }: Snapshot): string {
  const unsure = quarantined > 0 ? ` (${quarantined} quarantined)` : "";
  const oldest = queued > 0 ? `, oldest ${duration(oldestWaitMs)}` : "";
  return `${inFlight} in flight${unsure}, ${queued} queued${oldest}`;
}

/** The leases and their ages: `web-1 for 12 s, web-3 for 40 s (quarantined)`. */
export function leasesLeft({ servers }: Snapshot, now: number): string {
  const all = servers.flatMap(({ name, leases }) => leases.map((lease) => ({ name, ...lease })));
  const words = all.map(({ name, since, quarantined }) => {
    const age = duration(now - Date.parse(since));
    return `${name} for ${age}${quarantined ? " (quarantined)" : ""}`;
  });
  const first = words.slice(0, MOST).join(", ");
  return words.length > MOST ? `${first} and ${words.length - MOST} more` : first;
}
