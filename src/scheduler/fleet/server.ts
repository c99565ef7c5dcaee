import type { ServerConfig } from "../../config/types.ts";
import { type Health, HealthState } from "./health.ts";
import type { Timer } from "./slot-timers.ts";

/** The operator's will for one server; nothing but an operator changes it. */
export type ServerState = "ready" | "drain" | "maint";
/**
 * free         may be given out
 * leased       a Worker holds it
 * orphaned     taken before a restart of the pool; its holder has not come forward yet
 * quarantined  its request was cut off, its server may still be busy
 * cooling      its response ended, the cooldown has not
 * resting      its server was busy for somebody else, and refused the request
 * checking     a health check has it
 * recovering   a health check had it, and its server may still be busy with that
 */
export type SlotState =
  | "free"
  | "leased"
  | "orphaned"
  | "quarantined"
  | "cooling"
  | "resting"
  | "checking"
  | "recovering";

export interface Slot {
  readonly server: Server;
  readonly index: number;
  state: SlotState;
  /** Who has, or last had, the slot. */
  lease: string;
  /** Since when it is taken. */
  since: number;
  /** Since when it is in its state. */
  stateSince: number;
  /** Closed because nothing was heard: of its holder, or of the server that was checked. */
  lost: boolean;
  /** When its state ends by itself; `Infinity` while it is free. */
  until: number;
  /** What ends it then; `null`: nothing does. */
  timer: Timer | null;
}

/** Somebody holds it, as far as we know. */
export function isHeld(slot: { state: SlotState }): boolean {
  return slot.state === "leased" || slot.state === "orphaned";
}

/** Its server may be at work for a request of ours. What is not in flight holds up no drain, and is nobody's to free. */
export function isInFlight(slot: { state: SlotState }): boolean {
  return slot.state !== "free" && slot.state !== "resting" && !isCheck(slot);
}

/** A health check has it, or had it last. */
export function isCheck(slot: { state: SlotState }): boolean {
  return slot.state === "checking" || slot.state === "recovering";
}

/** Its server may still be busy with what it was given there. */
export function isClosed(slot: { state: SlotState }): boolean {
  return slot.state === "quarantined" || slot.state === "recovering";
}

/** The operator's changes to one server; absent means "as configured". */
export interface ServerOverride {
  state?: ServerState | undefined;
  /** Who gave it that state, where that was said. */
  owner?: string | undefined;
  slots?: number | undefined;
  weight?: number | undefined;
}

/** What an operator wants changed; `null`: as configured again. */
export interface ServerPatch {
  state?: ServerState | undefined;
  /** Who gives it that state. */
  owner?: string | undefined;
  slots?: number | null | undefined;
  weight?: number | null | undefined;
}

/** What the ledger kept of a server beside its slots. */
export interface ServerRow {
  override: ServerOverride;
  health: Health;
  /** When the operator last changed its state, and when its health last changed; `null`: never. */
  stateSince: number | null;
  healthSince: number | null;
}

const NEW_ROW: ServerRow = { override: {}, health: "unchecked", stateSince: null, healthSince: null };

/** One server and its slots. The slots that are taken are never dropped, however the settings change. */
export class Server {
  readonly name: string;
  readonly url: string;
  readonly backup: boolean;
  /** No longer in the configuration: finishes its leases and goes. */
  readonly retired: boolean;
  readonly health: HealthState;
  healthSince: number | null;
  /** How it took the last health check that it answered or failed to; `at` is when it was asked. */
  lastCheck: { at: number; passed: boolean } | null = null;
  /** When the next health check is due; `Infinity`: none is. */
  nextCheckAt = Number.POSITIVE_INFINITY;
  /** When to ask next whether it is idle again; `Infinity`: nobody wants to know. */
  nextProbeAt = Number.POSITIVE_INFINITY;
  /** How long was waited before that. */
  probePauseMs = 0;
  /** Smooth weighted round robin's running credit. */
  credit = 0;
  /** Order of the last grant, to take turns where everything else is equal. */
  lastGrant = 0;

  readonly configured: { slots: number; weight: number };
  #override: ServerOverride;
  #stateSince: number | null;
  #slots: (Slot | undefined)[] = [];
  /** Those given back, to be taken again: a slot that changes hands within a turn is one change for the ledger. */
  readonly #given: Slot[] = [];
  #freeIndexes: number[] = [];
  #taken = 0;

  constructor(
    config: ServerConfig,
    check: { rise: number; fall: number } | null = null,
    restored: ServerRow = NEW_ROW,
    retired = false,
  ) {
    this.name = config.name;
    this.url = config.url;
    this.backup = config.backup;
    this.retired = retired;
    this.configured = { slots: config.slots, weight: config.weight };
    this.#override = restored.override;
    this.#stateSince = restored.stateSince;
    this.health = new HealthState(check, restored.health, restored.healthSince);
    // Where its check was taken out of the configuration, its health is not the one of then.
    this.healthSince = this.health.status === restored.health ? restored.healthSince : null;
    this.#refillFree();
  }

  get state(): ServerState {
    return this.#override.state ?? "ready";
  }

  get stateSince(): number | null {
    return this.#stateSince;
  }

  get weight(): number {
    return this.#override.weight ?? this.configured.weight;
  }

  get slots(): number {
    return this.retired ? 0 : (this.#override.slots ?? this.configured.slots);
  }

  get isAsConfigured(): boolean {
    return this.#override.slots === undefined && this.#override.weight === undefined;
  }

  get override(): Readonly<ServerOverride> {
    return this.#override;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Neither the operator nor its health keeps it from taking requests; it may be busy. */
  get available(): boolean {
    return !this.retired && this.state === "ready" && this.health.status !== "down";
  }

  /** It will take no request until somebody, or its health, brings it back. */
  isOut(now: number): boolean {
    return this.retired || this.state === "maint" || this.health.isSurelyDown(now);
  }

  /** Counts requests, not indexes: with fewer slots than before, those beyond still finish. */
  get hasFreeSlot(): boolean {
    return this.#taken < this.slots;
  }

  get hasClosed(): boolean {
    for (const slot of this.takenSlots()) if (isClosed(slot)) return true;
    return false;
  }

  /**
   * Whether a change that is meant for this state only may be made. What the same owner has done already is done, so
   * that a request whose answer was lost can be repeated.
   */
  allows(patch: ServerPatch, ifState: ServerState | undefined): boolean {
    if (ifState === undefined || this.state === ifState) return true;
    const { owner } = this.#override;
    return owner !== undefined && owner === patch.owner && this.state === patch.state;
  }

  /** Returns what of it is new. */
  change(patch: ServerPatch, now: number): ServerOverride {
    const before = { state: this.state, slots: this.slots, weight: this.weight };
    const { state, slots, weight } = { ...this.#override, ...patch };
    const { owner } = patch.state === undefined ? this.#override : patch;
    this.#override = {
      ...(state === undefined ? {} : { state }),
      ...(owner === undefined ? {} : { owner }),
      ...unless(this.configured.slots, "slots", slots),
      ...unless(this.configured.weight, "weight", weight),
    };
    const changed: ServerOverride = {
      ...(this.state === before.state ? {} : { state: this.state }),
      ...unless(before.slots, "slots", this.slots),
      ...unless(before.weight, "weight", this.weight),
    };
    if (changed.state) this.#stateSince = now;
    this.#refillFree();
    return changed;
  }

  /** Takes a free slot; the caller sets its state, and gives it back with `give`. */
  take(): Slot | undefined {
    const index = this.hasFreeSlot ? this.#freeIndexes.pop() : undefined;
    if (index === undefined) return undefined;
    return this.#occupy(index);
  }

  /** Takes the very slot that the ledger shows as taken, beyond today's number of slots too. */
  restore(index: number): Slot {
    const free = this.#freeIndexes.indexOf(index);
    if (free >= 0) this.#freeIndexes.splice(free, 1);
    return this.#occupy(index);
  }

  give(slot: Slot): void {
    slot.state = "free";
    slot.until = Number.POSITIVE_INFINITY;
    this.#slots[slot.index] = undefined;
    this.#given[slot.index] = slot;
    this.#taken--;
    if (slot.index < this.slots) this.#freeIndexes.push(slot.index);
  }

  *takenSlots(): Generator<Slot> {
    for (const slot of this.#slots) if (slot) yield slot;
  }

  #occupy(index: number): Slot {
    const fresh = {
      state: "leased",
      lease: "",
      since: 0,
      stateSince: 0,
      lost: false,
      until: 0,
      timer: null,
    } as const;
    const given = this.#given[index];
    const slot: Slot = given ? Object.assign(given, fresh) : { server: this, index, ...fresh };
    while (this.#slots.length <= index) this.#slots.push(undefined);
    this.#slots[index] = slot;
    this.#taken++;
    return slot;
  }

  #refillFree(): void {
    this.#freeIndexes = [];
    for (let index = this.slots - 1; index >= 0; index--) {
      if (!this.#slots[index]) this.#freeIndexes.push(index);
    }
  }
}

/** A value that differs from the usual one. What does not goes with the configuration, whatever that will be. */
function unless<Key extends string>(
  usual: number,
  key: Key,
  value: number | null | undefined,
): { [name in Key]?: number } {
  return (value ?? usual) === usual ? {} : ({ [key]: value } as { [name in Key]?: number });
}
