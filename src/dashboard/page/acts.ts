import type { LeaseSnapshot, ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { counted, POOL_STATES, SERVER_STATES } from "../../words/phrases.ts";
import { clockInWords } from "../../words/times.ts";
import { call, Problem, poolPath, snapshotOf } from "./api.ts";
import { now } from "./clock.ts";
import type { Say } from "./notices.ts";
import type { Act } from "./perform.ts";

type Drain = NonNullable<Snapshot["drain"]>;

/**
 * True if a drain is the operator's own, begun under no other name: to be extended and ended without force. A drain of a
 * deploy of theirs has another owner.
 */
export function isOwn(drain: Drain | null, operator: string): boolean {
  return drain?.owner === operator && drain.by === operator;
}

/** The API has a default for each part that is empty. */
export function drainAct(name: string, operator: string, reason: string, expires: string): Act {
  const body = { ...(reason === "" ? {} : { reason }), ...(expires === "" ? {} : { expires }) };
  const say: Say = ({ drain, state, inFlight }) => {
    if (!isOwn(drain, operator)) return null;
    const left = state === "draining" ? `, ${counted(inFlight, "slot")} still in flight` : "";
    return `${name} takes no more requests to its servers: ${POOL_STATES[state].toLowerCase()}${left}.`;
  };
  return {
    pool: name,
    name: `Draining ${name}`,
    send: async () => ({ snapshot: await post(name, "drain", body), say }),
    arrived: say,
  };
}

/** Extends a drain until `ends`, in ms, which is after its present end. */
export function extendAct(name: string, drain: Drain, ends: number): Act {
  const over = `${name} was not extended: its drain was over already.`;
  const say: Say = ({ drain: present }) => {
    if (present?.since !== drain.since || present.expiresAt <= drain.expiresAt) return null;
    return `The drain of ${name} now ends at ${clockInWords(present.expiresAt, now())}.`;
  };
  return {
    pool: name,
    name: `Extending the drain of ${name}`,
    send: async () => {
      const expires = `${Math.max(1, Math.round(ends - now()))}ms`;
      const snapshot = await post(name, "drain", { extend: true, expires });
      return { snapshot, say: snapshot.drain ? say : (pool) => (pool.drain ? null : over) };
    },
    arrived: say,
  };
}

/** Ends a drain of one's own. */
export function resumeAct(name: string): Act {
  const say: Say = ({ drain }) => (drain ? null : `${name} is running again.`);
  return {
    pool: name,
    name: `Resuming ${name}`,
    send: async () => ({ snapshot: await post(name, "resume", {}), say }),
    arrived: say,
  };
}

/** Ends another drain than one's own, and none but that. */
export function endAct(name: string, operator: string, { owner, since }: Drain): Act {
  const say: Say = ({ drain }) =>
    drain ? null : `“${operator}” ended the drain of “${owner}” by force: ${name} is running again.`;
  return {
    pool: name,
    name: `Ending the drain of “${owner}”`,
    send: async () => {
      // The force would end whatever drain is on, and the page may be a second behind.
      const { drain } = await snapshotOf(name);
      if (drain && drain.since !== since) throw otherDrain(drain);
      return { snapshot: await post(name, "resume", { force: true }), say };
    },
    // Somebody else may have ended it.
    arrived: resumeAct(name).arrived,
  };
}

function otherDrain({ owner }: Drain): Problem {
  return new Problem(409, "drain-held", "This is another drain by now", `“${owner}” holds it`);
}

/** Sets a server to another state, unless it is no longer in the one that the page shows. */
export function setServerAct(
  pool: string,
  { name, state: ifState }: ServerSnapshot,
  state: ServerSnapshot["state"],
): Act {
  const say: Say = ({ servers }) =>
    servers.find((server) => server.name === name)?.state === state
      ? `${name} is set to ${SERVER_STATES[state]}.`
      : null;
  const path = `${poolPath(pool)}/servers/${encodeURIComponent(name)}`;
  return {
    pool,
    name: `Setting ${name} to ${SERVER_STATES[state]}`,
    send: async () => ({ snapshot: await call("PATCH", path, { state, ifState }), say }),
    arrived: say,
  };
}

export function freeAct(pool: string, { name }: ServerSnapshot, { id }: LeaseSnapshot): Act {
  const say: Say = ({ servers }) => {
    const server = servers.find((one) => one.name === name);
    if (!server || server.leases.some((lease) => lease.id === id)) return null;
    const isTaken = server.inFlight >= server.slots;
    return isTaken
      ? `The slot of ${name} was freed, and has a request again.`
      : `The slot of ${name} is free.`;
  };
  const path = `${poolPath(pool)}/leases/${encodeURIComponent(id)}`;
  return {
    pool,
    name: `Freeing a slot of ${name}`,
    send: async () => ({ snapshot: await call("DELETE", path), say }),
    arrived: say,
  };
}

function post(pool: string, act: "drain" | "resume", body: object): Promise<Snapshot> {
  return call("POST", `${poolPath(pool)}/${act}`, body);
}
