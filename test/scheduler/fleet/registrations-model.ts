import assert from "node:assert/strict";
import type { PoolConfig } from "../../../src/config/types.ts";
import type { Registered } from "../../../src/scheduler/fleet/registrations.ts";

/** A server that registers at `http://<at>.example`. */
export interface Coming {
  name: string;
  at: string;
  slots: number | null;
  /** `null`: it stays. */
  forMs: number | null;
  /** It has been there, and leaves its name to whom has it by now. */
  renews: boolean;
}

interface There {
  url: string;
  /** `null`: as many as the pool says. */
  slots: number | null;
  since: number;
  expiresAt: number;
}

/** Who has registered and is there, told once more: a table of names, and none of what they are at work on. */
export class RegistrationsModel {
  #settings: PoolConfig;
  readonly #there = new Map<string, There>();

  constructor(settings: PoolConfig) {
    this.#settings = settings;
  }

  get names(): string[] {
    return [...this.#there.keys()];
  }

  /** `null`: it is not there. */
  cameAt(name: string): number | null {
    return this.#there.get(name)?.since ?? null;
  }

  /** Returns what the pool is to say. */
  register({ name, at, slots, forMs, renews }: Coming, now: number): Registered {
    const url = `http://${at}.example`;
    const before = this.#there.get(name);
    const another = [...this.#there].some(([one, there]) => one !== name && there.url === url);
    if (this.#settings.servers.some((one) => one.name === name || one.url === url) || another) return "known";
    if (renews && before && before.url !== url) return "known";
    if (!before && this.#there.size >= (this.#settings.register?.max ?? 0)) return "full";
    const expiresAt = forMs === null ? Number.POSITIVE_INFINITY : now + forMs;
    const since = before?.url === url ? before.since : now;
    this.#there.set(name, { url, slots, since, expiresAt });
    if (before?.url !== url) return "new";
    return this.#slotsOf(before) === this.#slotsOf({ slots }) ? "renewed" : "changed";
  }

  /** Returns false if it is not there. */
  leave(name: string): boolean {
    return this.#there.delete(name);
  }

  /** Returns whose time is up. */
  tick(now: number): string[] {
    const over = [...this.#there].filter(([, { expiresAt }]) => expiresAt <= now).map(([name]) => name);
    for (const name of over) this.#there.delete(name);
    return over;
  }

  /** The pool has another configuration, which goes before what servers say. Returns who is not there any more. */
  restart(settings: PoolConfig): string[] {
    this.#settings = settings;
    const isConfigured = (name: string, url: string) =>
      settings.servers.some((one) => one.name === name || one.url === url);
    const gone = [...this.#there].filter(([name, { url }]) => isConfigured(name, url) || !settings.register);
    for (const [name] of gone) this.#there.delete(name);
    return gone.map(([name]) => name);
  }

  compare(servers: readonly Shown[]): void {
    const shown = servers.filter(({ retired, registration }) => !retired && registration);
    const told = shown.map(({ name, url, configured }) => [name, url, configured.slots]);
    const known = [...this.#there].map(([name, there]) => [name, there.url, this.#slotsOf(there)]);
    assert.deepEqual(told.sort(), known.sort(), "the servers that have registered");
    const others = servers.filter(({ retired, registration }) => !retired && !registration);
    const configured = this.#settings.servers.map(({ name }) => name);
    assert.deepEqual(
      others.map(({ name }) => name).sort(),
      configured.sort(),
      "the servers of the configuration",
    );
    const names = servers.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length, `a name of two servers: ${names}`);
  }

  #slotsOf({ slots }: Pick<There, "slots">): number {
    return slots ?? this.#settings.slots;
  }
}

interface Shown {
  name: string;
  url: string;
  retired: boolean;
  registration: object | null;
  configured: { slots: number };
}
