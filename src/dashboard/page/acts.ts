import type { LeaseSnapshot, ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { cutWords, isDrained } from "../../words/drain.ts";
import { counted, POOL_STATES, SERVER_STATES } from "../../words/phrases.ts";
import { clockInWords } from "../../words/times.ts";
import { call, callForStatus, Problem, poolPath, snapshotOf } from "./api.ts";
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

/** What the API has a default for, where it is empty. */
type Terms = Partial<Record<"reason" | "message" | "expires" | "cut", string>>;

export function drainAct(name: string, operator: string, terms: Terms): Act {
  const say: Say = (pool) => {
    if (!isOwn(pool.drain, operator) || pool.drain?.stop !== null) return null;
    return `${name} takes no more requests to its servers: ${stateWords(pool)}.`;
  };
  return {
    pool: name,
    name: `Draining ${name}`,
    send: async () => ({ snapshot: await post(name, "drain", given(terms)), say }),
    arrived: say,
  };
}

export function stopAct(name: string, operator: string, terms: Terms): Act {
  const say: Say = (pool) => {
    if (!isOwn(pool.drain, operator) || !pool.drain?.stop) return null;
    return `${name} refuses requests: ${stateWords(pool)}.`;
  };
  return {
    pool: name,
    name: `Stopping ${name}`,
    send: async () => ({ snapshot: await post(name, "stop", given(terms)), say }),
    arrived: say,
  };
}

function given(terms: Terms): Terms {
  return Object.fromEntries(Object.entries(terms).filter(([, text]) => text !== ""));
}

/** `draining, 1 slot still in flight`. */
function stateWords(pool: Snapshot): string {
  const left = isDrained(pool) ? "" : `, ${counted(pool.inFlight, "slot")} still in flight`;
  return POOL_STATES[pool.state].toLowerCase() + left;
}

/** Cuts off what a drain or a stop of one's own still waits for. `after`: a duration from now on. */
export function cutAct(name: string, drain: Drain, after: string): Act {
  const say: Say = (pool) => {
    const { drain: present } = pool;
    if (present?.since !== drain.since || !present.cut || present.cut.at === drain.cut?.at) return null;
    if (!isDrained(pool))
      return `What is still running in ${name} is cut off at ${clockInWords(present.cut.at, now())}.`;
    const words = cutWords(present.cut);
    return words === null ? `Nothing of ${name} had to be cut off.` : `${words} in ${name}.`;
  };
  const over = `Nothing was cut off in ${name}: its ${drain.stop ? "stop" : "drain"} was over already.`;
  return {
    pool: name,
    name: `Cutting off what runs in ${name}`,
    send: async () => {
      // As long as it was to last: only the cut is new.
      const expires = `${Math.max(1, Math.round(Date.parse(drain.expiresAt) - now()))}ms`;
      const snapshot = await post(name, "drain", { extend: true, expires, cut: after });
      return { snapshot, say: snapshot.drain ? say : (pool) => (pool.drain ? null : over) };
    },
    arrived: say,
  };
}

/** Extends a drain until `ends`, in ms, which is after its present end. */
export function extendAct(name: string, drain: Drain, ends: number): Act {
  const noun = drain.stop ? "stop" : "drain";
  const over = `${name} was not extended: its ${noun} was over already.`;
  const say: Say = ({ drain: present }) => {
    if (present?.since !== drain.since || present.expiresAt <= drain.expiresAt) return null;
    return `The ${noun} of ${name} now ends at ${clockInWords(present.expiresAt, now())}.`;
  };
  return {
    pool: name,
    name: `Extending the ${noun} of ${name}`,
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
export function endAct(name: string, operator: string, { owner, since, stop }: Drain): Act {
  const noun = stop ? "stop" : "drain";
  const say: Say = ({ drain }) =>
    drain ? null : `“${operator}” ended the ${noun} of “${owner}” by force: ${name} is running again.`;
  return {
    pool: name,
    name: `Ending the ${noun} of “${owner}”`,
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

/**
 * Sets a server to another state, unless it is no longer in the one that the page shows. `cut`: after how long what is in
 * flight there is cut off; empty: never.
 */
export function setServerAct(
  pool: string,
  { name, state: ifState }: ServerSnapshot,
  state: ServerSnapshot["state"],
  cut = "",
): Act {
  const say: Say = ({ servers }) =>
    servers.find((server) => server.name === name)?.state === state
      ? `${name} is set to ${SERVER_STATES[state]}.`
      : null;
  const path = `${poolPath(pool)}/servers/${encodeURIComponent(name)}`;
  return {
    pool,
    name: `Setting ${name} to ${SERVER_STATES[state]}`,
    send: async () => ({
      snapshot: await call("PATCH", path, { state, ifState, ...(cut === "" ? {} : { cut }) }),
      say,
    }),
    arrived: say,
  };
}

/** Takes a server out of the pool that has registered itself, until it does so again. */
export function removeServerAct(pool: string, { name }: ServerSnapshot): Act {
  const say: Say = ({ servers }) => {
    const server = servers.find((one) => one.name === name);
    if (server?.registered) return null;
    return `${name} was removed${server && server.inFlight > 0 ? ", and finishes what it has in flight" : ""}.`;
  };
  const path = `${poolPath(pool)}/servers/${encodeURIComponent(name)}`;
  return {
    pool,
    name: `Removing ${name}`,
    send: async () => {
      await callForStatus("DELETE", path);
      return { snapshot: await snapshotOf(pool), say };
    },
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

function post(pool: string, act: "drain" | "stop" | "resume", body: object): Promise<Snapshot> {
  return call("POST", `${poolPath(pool)}/${act}`, body);
}
