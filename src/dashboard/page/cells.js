/** @import { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts" */
import { duration, roughly } from "./words.js";

/** @typedef {ServerSnapshot["leases"][number]} Lease */

/**
 * One slot as it is shown. `kind` decides its look, `words` says the same.
 * @typedef {object} Cell
 * @property {string} key
 * @property {ServerSnapshot} server
 * @property {Lease | null} lease
 * @property {"idle" | "busy" | "draining" | "quarantined" | "down" | "drain" | "maint"} kind
 * @property {string} words
 */

/**
 * Which lease is shown in which cell: the pool does not number its slots, and a lease must not wander.
 */
export class CellPlaces {
  /** By server, the lease of each of its cells. @type {Map<string, (string | null)[]>} */
  #places = new Map();

  /**
   * @param {Snapshot} pool
   * @param {number} now
   * @returns {Cell[]}
   */
  cells({ servers, drain }, now) {
    const known = new Set(servers.map((server) => server.name));
    for (const name of this.#places.keys()) if (!known.has(name)) this.#places.delete(name);
    return servers.flatMap((server) =>
      this.#placesOf(server).map((id, index) => {
        const key = `${server.name} ${index}`;
        const lease = server.leases.find((lease) => lease.id === id) ?? null;
        const drained = drain !== null;
        return lease ? taken(server, lease, drained, key, now) : free(server, drained, key);
      }),
    );
  }

  /** @param {ServerSnapshot} server */
  #placesOf({ name, slots, leases }) {
    const current = new Set(leases.map((lease) => lease.id));
    const places = (this.#places.get(name) ?? []).map((id) => (id !== null && current.has(id) ? id : null));
    for (const id of current) {
      if (places.includes(id)) continue;
      const free = places.indexOf(null);
      places[free < 0 ? places.length : free] = id;
    }
    while (places.length < slots) places.push(null);
    // Fewer slots than before: what is still taken stays in sight until it ends.
    while (places.length > slots && places.at(-1) === null) places.pop();
    this.#places.set(name, places);
    return places;
  }
}

/**
 * @param {ServerSnapshot} server
 * @param {Lease} lease
 * @param {boolean} drained The whole pool is.
 * @param {string} key
 * @param {number} now
 * @returns {Cell}
 */
function taken(server, lease, drained, key, now) {
  const common = { key, server, lease };
  if (lease.quarantined) {
    const ms = now - Date.parse(lease.quarantinedSince ?? lease.since);
    return { ...common, kind: "quarantined", words: `quarantined ${roughly(ms)}` };
  }
  const ms = now - Date.parse(lease.since);
  const held = ms < 60_000 ? duration(ms) : roughly(ms);
  // Its slot takes no further request; that is what it is waited for.
  if (drained || server.state !== "ready")
    return { ...common, kind: "draining", words: `draining, busy ${held}` };
  return { ...common, kind: "busy", words: `busy ${held}` };
}

/**
 * @param {ServerSnapshot} server
 * @param {boolean} drained The whole pool is.
 * @param {string} key
 * @returns {Cell}
 */
function free(server, drained, key) {
  const common = { key, server, lease: null };
  if (server.state === "maint") return { ...common, kind: "maint", words: "maintenance" };
  if (server.health === "down") return { ...common, kind: "down", words: "down" };
  if (drained || server.state === "drain") return { ...common, kind: "drain", words: "drained" };
  return { ...common, kind: "idle", words: "idle" };
}
