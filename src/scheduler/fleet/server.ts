import type { ServerConfig } from "../../config/types.ts";
import {
  isInQuarantine,
  type RegisteredRow,
  type ServerOverride,
  type ServerPatch,
  type ServerRow,
  type ServerSettings,
  type ServerState,
} from "../terms/rows.ts";
import { HealthState } from "./health.ts";
import type { Slot } from "./slot.ts";

type Restored = Omit<ServerRow, "name">;

const NEW: Restored = { override: {}, health: "unchecked", stateSince: null, healthSince: null };

/** One server and its slots. An occupied slot is kept until it is freed, however the number of slots changes. */
export class Server {
  name: string;
  readonly identity: string;
  readonly url: string;
  readonly binding: string | null;
  backup: boolean;
  /**
   * True if the server is no longer in the configuration, or has left after it had registered: its last requests finish,
   * and none is added.
   */
  retired: boolean;
  /** True if another object of the pool grants its slots: it finishes what it has here. */
  away = false;
  /** `null`: it is one of the configuration's. */
  registration: RegisteredRow | null = null;
  health: HealthState;
  healthSince: number | null;
  /** The last health check that ended; `at` is when it was sent, `got` what came of it, in words. */
  lastCheck: { at: number; passed: boolean; got: string } | null = null;
  /** When the next health check is due; `Infinity`: none is scheduled. */
  nextCheckAt = Number.POSITIVE_INFINITY;
  /** When the next probe is due; `Infinity`: none is scheduled. */
  nextProbeAt = Number.POSITIVE_INFINITY;
  /** The pause before that probe, in ms; it doubles from probe to probe. */
  probePauseMs = 0;
  /** What it is chosen by: its weight, or less for a while after it came up. Kept up to date by `SlowStart`. */
  share = 0;
  /** When its share is all of its weight, in ms since the epoch. */
  warmUntil = Number.NEGATIVE_INFINITY;
  /** Smooth weighted round robin's running credit. */
  credit = 0;
  /** Decides which keys it gets; see `seedOf`. Kept up to date by `Balance`, in pools that hash. */
  hashSeed = 0;

  configured: { slots: number; weight: number };
  #override: ServerOverride;
  #stateSince: number | null;
  /** By index. The objects are reused, so that a slot freed and granted in one turn is written to the ledger once. */
  readonly #slots: Slot<Server>[] = [];
  #freeIndexes: number[] = [];
  #occupied = 0;

  constructor(
    config: Omit<ServerConfig, "headers" | "shared">,
    check: { rise: number; fall: number } | null = null,
    restored: Restored = NEW,
    retired = false,
  ) {
    this.name = config.name;
    this.identity = config.identity;
    this.url = config.url;
    this.binding = config.binding;
    this.backup = config.backup;
    this.retired = retired;
    this.configured = { slots: config.slots, weight: config.weight };
    this.#override = restored.override;
    this.#stateSince = restored.stateSince;
    this.health = new HealthState(check, restored.health, restored.healthSince);
    // Without checks in the configuration the restored health is not used, nor when it changed.
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

  /** True if no operator has changed slots or weight. */
  get isAsConfigured(): boolean {
    return this.#override.slots === undefined && this.#override.weight === undefined;
  }

  /** When the leases that are still held are cut off, and whether they were; `null`: they are not to be. */
  get cut(): { at: number; done: boolean; leases: number } | null {
    const { cutAt, isCut = false, cutLeases = 0 } = this.#override;
    return cutAt === undefined ? null : { at: cutAt, done: isCut, leases: cutLeases };
  }

  /** When the cut is due; `Infinity`: there is none to come. */
  get nextCut(): number {
    // Whoever has any cuts them off: its owner, and one that is letting it go.
    const isOthers = this.away && this.#occupied === 0;
    return this.cut && !this.cut.done && !isOthers ? this.cut.at : Number.POSITIVE_INFINITY;
  }

  /** Its leases are cut off now, so many. */
  wasCut(leases: number): void {
    this.#override = { ...this.#override, isCut: true, cutLeases: leases };
  }

  get override(): Readonly<ServerOverride> {
    return this.#override;
  }

  get row(): ServerRow {
    const { name, healthSince, stateSince } = this;
    return { name, override: this.#override, health: this.health.status, stateSince, healthSince };
  }

  /** How many slots are occupied: not free, whatever their state. */
  get occupied(): number {
    return this.#occupied;
  }

  /** True if neither the operator nor its health keeps the server from requests. It may be busy. */
  get available(): boolean {
    if (this.retired || this.away) return false;
    return this.state === "ready" && this.weight > 0 && this.health.status !== "down";
  }

  /**
   * When an operator put the server back into service, its checks passed again, or it registered, whichever was last; in ms
   * since the epoch. `-Infinity`: nothing of these is known.
   */
  get cameUpAt(): number {
    return Math.max(
      (this.state === "ready" ? this.#stateSince : null) ?? Number.NEGATIVE_INFINITY,
      (this.health.status === "up" ? this.healthSince : null) ?? Number.NEGATIVE_INFINITY,
      this.registration?.since ?? Number.NEGATIVE_INFINITY,
    );
  }

  /** True if the server is in maintenance, gone, or was seen to be down recently: no ticket is to wait for it. */
  isOut(now: number): boolean {
    return this.retired || this.away || this.state === "maint" || this.health.isSurelyDown(now);
  }

  /** Goes by the count and not by indexes: after the number of slots was lowered, slots beyond it may be occupied. */
  get hasFreeSlot(): boolean {
    return this.#occupied < this.slots;
  }

  /** True if a slot is in quarantine. */
  get hasQuarantine(): boolean {
    for (const slot of this.occupiedSlots()) if (isInQuarantine(slot)) return true;
    return false;
  }

  /**
   * Returns false if the change is meant for a server in `ifState`, and this one is in another state. A repeated change
   * of the same owner is allowed, because the answer to the first may have been lost.
   */
  allows(patch: ServerPatch, ifState: ServerState | undefined): boolean {
    if (ifState === undefined || this.state === ifState) return true;
    const { owner } = this.#override;
    return owner !== undefined && owner === patch.owner && this.state === patch.state;
  }

  /** Applies an operator's change. Returns what differs now. */
  change(patch: ServerPatch, by: string, now: number): ServerSettings {
    const before = { state: this.state, slots: this.slots, weight: this.weight };
    const { state, slots, weight } = { ...this.#override, ...patch };
    const { owner } = patch.state === undefined ? this.#override : patch;
    this.#override = {
      ...(state === undefined ? {} : { state }),
      ...(owner === undefined ? {} : { owner }),
      by,
      ...this.#cutAfter(patch, now),
      ...difference(this.configured.slots, "slots", slots),
      ...difference(this.configured.weight, "weight", weight),
    };
    const changed: ServerSettings = {
      ...(this.state === before.state ? {} : { state: this.state }),
      ...difference(before.slots, "slots", this.slots),
      ...difference(before.weight, "weight", this.weight),
    };
    if (changed.state) this.#stateSince = now;
    this.#refillFree();
    return changed;
  }

  /** What operators want of it, as another object of the pool has it on record. A cut is made by who owns the server. */
  follow({ override, stateSince }: Pick<ServerRow, "override" | "stateSince">): void {
    const { isCut, cutLeases, ...wanted } = override;
    const { cutAt, isCut: wasCut, cutLeases: leases } = this.#override;
    const isMade = wasCut && wanted.cutAt === cutAt;
    this.#override = isMade ? { ...wanted, isCut: true, cutLeases: leases } : wanted;
    this.#stateSince = stateSince;
    this.#refillFree();
  }

  /** Has it take requests by this registration, the first or another one. Overrides stay. */
  register(row: RegisteredRow, usualSlots: number): void {
    this.registration = row;
    this.name = row.name;
    this.backup = row.backup;
    this.retired = false;
    this.configured = { slots: row.slots ?? usualSlots, weight: row.weight };
    this.#refillFree();
  }

  /** Gives it no more requests. What operators wanted of it ends, and how it was is forgotten. */
  retire(): void {
    this.retired = true;
    this.#override = {};
    this.#stateSince = null;
    this.health = new HealthState(null);
    this.healthSince = null;
    this.lastCheck = null;
    this.nextCheckAt = Number.POSITIVE_INFINITY;
    this.#refillFree();
  }

  /** Occupies a free slot; `undefined`: none is free. The caller sets its state, and returns it with `give`. */
  take(): Slot<Server> | undefined {
    const index = this.hasFreeSlot ? this.#freeIndexes.pop() : undefined;
    if (index === undefined) return undefined;
    return this.#occupy(index);
  }

  /** Occupies the slot of this index, which the ledger has as occupied, even beyond the present number of slots. */
  restore(index: number): Slot<Server> {
    const free = this.#freeIndexes.indexOf(index);
    if (free >= 0) this.#freeIndexes.splice(free, 1);
    return this.#occupy(index);
  }

  give(slot: Slot<Server>): void {
    slot.state = "free";
    slot.until = Number.POSITIVE_INFINITY;
    this.#occupied--;
    if (slot.index < this.slots) this.#freeIndexes.push(slot.index);
  }

  *occupiedSlots(): Generator<Slot<Server>> {
    for (const slot of this.#slots) if (slot.state !== "free") yield slot;
  }

  /** A server that is back in service has no cut; one that was made stays. */
  #cutAfter(
    { state = this.state, cut }: ServerPatch,
    now: number,
  ): Pick<ServerOverride, "cutAt" | "isCut" | "cutLeases"> {
    if (state === "ready") return {};
    const { cutAt = null, isCut, cutLeases } = this.#override;
    if (isCut && cutAt !== null) return { cutAt, isCut, cutLeases };
    const at = cut === undefined ? cutAt : now + cut;
    return at === null ? {} : { cutAt: at };
  }

  #occupy(index: number): Slot<Server> {
    while (this.#slots.length <= index) this.#slots.push(this.#newSlot());
    const slot = this.#slots[index] as Slot<Server>;
    slot.state = "leased";
    slot.lost = false;
    this.#occupied++;
    return slot;
  }

  #newSlot(): Slot<Server> {
    return {
      server: this,
      index: this.#slots.length,
      state: "free",
      lease: "",
      flow: null,
      isolate: null,
      attached: false,
      passVersion: 0,
      passUntil: Number.NEGATIVE_INFINITY,
      hop: 0,
      isHopUnsure: false,
      untold: null,
      charged: null,
      heldMs: 0,
      countedAt: 0,
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

/** Returns nothing for a usual value: as an override it would stay when the configuration changes. */
function difference<Key extends string>(
  usual: number,
  key: Key,
  value: number | null | undefined,
): { [name in Key]?: number } {
  return (value ?? usual) === usual ? {} : ({ [key]: value } as { [name in Key]?: number });
}
