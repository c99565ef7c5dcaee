import type { ServerConfig } from "../../config/types.ts";
import {
  isClosed,
  type ServerOverride,
  type ServerPatch,
  type ServerRow,
  type ServerState,
} from "../terms/rows.ts";
import { HealthState } from "./health.ts";
import type { Slot } from "./slot.ts";

type Restored = Omit<ServerRow, "name">;

const NEW: Restored = { override: {}, health: "unchecked", stateSince: null, healthSince: null };

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
  /** By index; a free one stays, so that a slot that changes hands within a turn is one change for the ledger. */
  readonly #slots: Slot<Server>[] = [];
  #freeIndexes: number[] = [];
  #taken = 0;

  constructor(
    config: ServerConfig,
    check: { rise: number; fall: number } | null = null,
    restored: Restored = NEW,
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

  /** What the ledger keeps of it. */
  get row(): ServerRow {
    const { name, healthSince, stateSince } = this;
    return { name, override: this.#override, health: this.health.status, stateSince, healthSince };
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
  take(): Slot<Server> | undefined {
    const index = this.hasFreeSlot ? this.#freeIndexes.pop() : undefined;
    if (index === undefined) return undefined;
    return this.#occupy(index);
  }

  /** Takes the very slot that the ledger shows as taken, beyond today's number of slots too. */
  restore(index: number): Slot<Server> {
    const free = this.#freeIndexes.indexOf(index);
    if (free >= 0) this.#freeIndexes.splice(free, 1);
    return this.#occupy(index);
  }

  give(slot: Slot<Server>): void {
    slot.state = "free";
    slot.until = Number.POSITIVE_INFINITY;
    this.#taken--;
    if (slot.index < this.slots) this.#freeIndexes.push(slot.index);
  }

  *takenSlots(): Generator<Slot<Server>> {
    for (const slot of this.#slots) if (slot.state !== "free") yield slot;
  }

  #occupy(index: number): Slot<Server> {
    while (this.#slots.length <= index) this.#slots.push(this.#newSlot());
    const slot = this.#slots[index] as Slot<Server>;
    slot.state = "leased";
    slot.lost = false;
    this.#taken++;
    return slot;
  }

  #newSlot(): Slot<Server> {
    return {
      server: this,
      index: this.#slots.length,
      state: "free",
      lease: "",
      since: 0,
      stateSince: 0,
      lost: false,
      until: Number.POSITIVE_INFINITY,
      timer: null,
    };
  }

  #refillFree(): void {
    this.#freeIndexes = [];
    for (let index = this.slots - 1; index >= 0; index--) {
      if ((this.#slots[index]?.state ?? "free") === "free") this.#freeIndexes.push(index);
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
