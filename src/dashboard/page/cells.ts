import type { LeaseSnapshot, ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { isTakenOut } from "../../words/phrases.ts";
import { fineDuration, oneUnit } from "../../words/times.ts";

/** One slot on the page. `kind` decides its look, `words` says the same. */
export interface Cell {
  key: string;
  server: ServerSnapshot;
  lease: LeaseSnapshot | null;
  kind: "idle" | "busy" | "draining" | "quarantined" | "down" | "drain" | "maint";
  words: string;
}

/** Assigns leases to cells: the pool does not number its slots, and a lease must not move to another cell. */
export class Cells {
  /** The ids of the leases, by server and then by cell. */
  readonly #leases = new Map<string, (string | null)[]>();

  cellsOf({ servers, drain }: Snapshot, now: number): Cell[] {
    const known = new Set(servers.map((server) => server.name));
    for (const name of this.#leases.keys()) if (!known.has(name)) this.#leases.delete(name);
    return servers.flatMap((server) =>
      this.#leasesOf(server).map((id, index) => {
        const key = `${server.name} ${index}`;
        const lease = server.leases.find((one) => one.id === id);
        return lease
          ? leasedCell(key, server, lease, drain !== null, now)
          : freeCell(key, server, drain && (drain.stop ? "stopped" : "drained"));
      }),
    );
  }

  #leasesOf({ name, slots, leases }: ServerSnapshot): (string | null)[] {
    const current = new Set(leases.map((lease) => lease.id));
    const cells = (this.#leases.get(name) ?? []).map((id) => (id !== null && current.has(id) ? id : null));
    for (const id of current) {
      if (cells.includes(id)) continue;
      const free = cells.indexOf(null);
      cells[free < 0 ? cells.length : free] = id;
    }
    while (cells.length < slots) cells.push(null);
    // With fewer slots than before, a lease stays visible until it ends.
    while (cells.length > slots && cells.at(-1) === null) cells.pop();
    this.#leases.set(name, cells);
    return cells;
  }
}

function leasedCell(
  key: string,
  server: ServerSnapshot,
  lease: LeaseSnapshot,
  poolDrains: boolean,
  now: number,
): Cell {
  const common = { key, server, lease };
  if (lease.quarantined) {
    const ms = now - Date.parse(lease.quarantinedSince ?? lease.since);
    return { ...common, kind: "quarantined", words: `quarantined ${oneUnit(ms)}` };
  }
  const ms = now - Date.parse(lease.since);
  const age = ms < 60_000 ? fineDuration(ms) : oneUnit(ms);
  // The drain waits for this lease.
  if (poolDrains || isTakenOut(server)) return { ...common, kind: "draining", words: `draining ${age}` };
  return { ...common, kind: "busy", words: `busy ${age}` };
}

function freeCell(key: string, server: ServerSnapshot, poolState: "drained" | "stopped" | null): Cell {
  const common = { key, server, lease: null };
  if (server.state === "maint") return { ...common, kind: "maint", words: "maintenance" };
  if (server.health === "down") return { ...common, kind: "down", words: "down" };
  if (poolState || isTakenOut(server)) return { ...common, kind: "drain", words: poolState ?? "drained" };
  return { ...common, kind: "idle", words: "idle" };
}
