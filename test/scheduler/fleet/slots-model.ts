import assert from "node:assert/strict";
import type { PoolConfig } from "../../../src/config/types.ts";
import { LEASE_TTL_MS } from "../../../src/scheduler/fleet/leases.ts";
import type { SlotState } from "../../../src/scheduler/terms/rows.ts";

/** A slot of a real server, and until when its last request may keep the server busy, as far as anyone knows. */
export interface Occupied {
  /** Of the server. */
  readonly url: string;
  /** Of the lease or the check. */
  readonly id: string;
  /** Since when it is taken. */
  readonly since: number;
  until: number;
  /** By the configuration after a restart it is closed for less long than was on record. */
  shortened?: { from: number; to: number };
  /** When it was cut off; in the future, if nobody hears of it until then. */
  closedAt: number;
  /** A request has it, and neither its end is known nor was it given up. */
  held: boolean;
  /** Its holder has not been heard of since a restart. */
  orphaned?: boolean;
  /** It cools down or rests: its server is at work on nothing there, and what the server says opens it no sooner. */
  pauses?: boolean;
  /** An operator had it cut off, and its holder has not told of the end. */
  cut?: boolean;
  /** Whose request its server may be at work on; `undefined`: nobody's, as it pauses, or a failed attempt was its last. */
  flow?: string | null | undefined;
  /** A check that has not ended yet: of which server. */
  checks?: string | undefined;
}

/** What the real servers are busy with. It hears of every slot that is given out, and allows none that is not free. */
export class SlotsModel {
  /** By URL and index. */
  readonly #slots = new Map<string, Occupied>();

  get all(): Occupied[] {
    return [...this.#slots.values()];
  }

  at({ url, index }: { url: string; index: number }): Occupied | undefined {
    return this.#slots.get(`${url}/${index}`);
  }

  on(url: string): Occupied[] {
    return this.all.filter((one) => one.url === url);
  }

  /** The slot that the request had last. */
  lastOf(id: string): Occupied | undefined {
    let last: Occupied | undefined;
    for (const one of this.#slots.values()) {
      if (one.id !== id) continue;
      // A stored request whose end was not on record may get two slots at the same moment, one after the other.
      const isLater = !last || one.since > last.since || (one.since === last.since && one.until > last.until);
      if (isLater) last = one;
    }
    return last;
  }

  /** The slot that the request has, or that is kept closed for it. */
  of(id: string, now: number): Occupied | undefined {
    const last = this.lastOf(id);
    return last && last.until > now ? last : undefined;
  }

  /** `slots`: how many requests the server may have. */
  take(index: number, slots: number, taken: Occupied): void {
    const { url, id, since } = taken;
    const before = this.at({ url, index });
    const until = before?.until ?? 0;
    assert.ok(
      until <= since,
      `${id} gets ${url}/${index} at ${since}, which ${before?.id} has until ${until}`,
    );
    const busy = this.on(url).filter(({ until }) => until > since);
    assert.ok(busy.length < slots, `${busy.length} requests on ${url} before ${id}`);
    this.#slots.set(`${url}/${index}`, taken);
  }

  /** What the server was given before `takenBefore`, and cut off from before `closedBefore`, it works on no more. */
  open(url: string, closedBefore: number, takenBefore: number, now: number): void {
    for (const one of this.on(url)) {
      if (one.pauses || one.closedAt >= closedBefore || one.since >= takenBefore) continue;
      one.until = Math.min(one.until, now);
    }
  }
}

/** The holder is alive: nobody may have the slot before its lease has run out and then its quarantine. */
export function keep(slot: Occupied, { quarantine }: PoolConfig, now: number): void {
  slot.orphaned = false;
  delete slot.shortened;
  slot.closedAt = now + LEASE_TTL_MS;
  slot.until = slot.closedAt + quarantine.maxMs;
}

/** Its pool begins anew, perhaps with another configuration, which says how long the slot stays closed from now on. */
export function restart(
  slot: Occupied,
  state: SlotState,
  { quarantine, cooldownMs }: PoolConfig,
  now: number,
): void {
  const { maxMs } = quarantine;
  /** For so long at most. Only in memory, so that a later configuration goes by what was before. */
  const closed = (forMs: number) => {
    const on = slot.shortened?.to === slot.until ? slot.shortened.from : slot.until;
    slot.until = Math.min(on, now + forMs);
    slot.shortened = { from: on, to: slot.until };
  };
  if (state === "leased" || state === "orphaned") {
    // A holder has a whole time to live to come forward; once.
    if (state === "leased") slot.closedAt = now + LEASE_TTL_MS;
    slot.orphaned = true;
    slot.until = slot.closedAt + maxMs;
  } else if (state === "checking") {
    // Nobody will hear of the check's end.
    delete slot.checks;
    slot.closedAt = Math.min(slot.closedAt, now);
    slot.until = slot.closedAt + maxMs;
  } else if (state === "cut") {
    // When its holder will have heard of that is not on record, so no answer of its server opens the slot before.
    slot.closedAt = Math.max(slot.closedAt, now + LEASE_TTL_MS);
    closed(LEASE_TTL_MS + maxMs);
  } else if (state === "cooling") closed(cooldownMs);
  else if (state === "resting") closed(Math.max(cooldownMs, 10_000));
  else closed(maxMs);
}
