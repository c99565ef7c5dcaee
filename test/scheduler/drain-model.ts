import assert from "node:assert/strict";
import type { Drain } from "../../src/scheduler/drain.ts";

/** What an operator asks for; times are in ms from now. */
export interface Wanted {
  forMs: number;
  /** After how long what is still held is cut off. */
  cutMs?: number | undefined;
  /** Requests are refused instead of held. */
  stops?: boolean | undefined;
  /** A drain or stop that is on is to last so long, and stays what it is. */
  extend?: boolean | undefined;
}

interface Kept {
  owner: string;
  expiresAt: number;
  cutAt: number;
  isCut: boolean;
  stops: boolean;
}

const NEVER = Number.POSITIVE_INFINITY;

/** The drain that is on, by what operators and the clock have said. */
export class DrainModel {
  #kept: Kept | null = null;

  get isOn(): boolean {
    return this.#kept !== null;
  }

  get stops(): boolean {
    return this.#kept?.stops ?? false;
  }

  get isCut(): boolean {
    return this.#kept?.isCut ?? false;
  }

  want(owner: string, { forMs, cutMs, stops = false, extend }: Wanted, now: number): void {
    const before = this.#kept;
    if (before ? before.owner !== owner : extend) return;
    const cutAt = cutMs === undefined || before?.isCut ? (before?.cutAt ?? NEVER) : now + cutMs;
    const isStop = extend ? (before?.stops ?? false) : stops;
    this.#kept = { owner, expiresAt: now + forMs, cutAt, isCut: before?.isCut ?? false, stops: isStop };
    this.pass(now);
  }

  end(owner: string, force: boolean): void {
    if (force || this.#kept?.owner === owner) this.#kept = null;
  }

  /** What was due before the drain's end is done; then it ends. */
  pass(now: number): void {
    const kept = this.#kept;
    if (!kept) return;
    if (kept.cutAt <= now && kept.cutAt < kept.expiresAt) kept.isCut = true;
    if (kept.expiresAt <= now) this.#kept = null;
  }

  compare(drain: Readonly<Drain> | null): void {
    const shown = drain && {
      owner: drain.owner,
      expiresAt: drain.expiresAt,
      cutAt: drain.cutAt ?? NEVER,
      isCut: drain.isCut,
      stops: drain.stop !== null,
    };
    assert.deepEqual(shown, this.#kept, "the drain");
  }
}
