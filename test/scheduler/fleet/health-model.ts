import assert from "node:assert/strict";
import type { PoolConfig } from "../../../src/config/types.ts";
import type { CheckResult } from "../../../src/scheduler/fleet/health.ts";
import type { Health } from "../../../src/scheduler/terms/rows.ts";

interface Known {
  status: Health;
  /** What has come since the last answer that says otherwise: `c` a failed check, `r` a failed request. */
  failures: string;
  passes: number;
  /** When it was last seen to be down. */
  downAt: number | null;
  /** Since when it is up; `null`: it is not. */
  upAt: number | null;
}

/** For so long after it was last seen to be down, in ms, a server is known to be. */
const KNOWN_MS = 60_000;

interface Before {
  health: Health;
  healthSince: number | null;
}

/** A server's health told once more, in other words: from the list of what it failed. */
export class HealthModel {
  readonly #check: PoolConfig["check"];
  readonly #servers = new Map<string, Known>();

  /** `before`: what the ledger holds. */
  constructor(
    { check, servers }: PoolConfig,
    before: ReadonlyMap<string, Before>,
    registered: readonly string[] = [],
  ) {
    this.#check = check;
    for (const name of [...servers.map(({ name }) => name), ...registered]) {
      const status = check ? (before.get(name)?.health ?? "unchecked") : "unchecked";
      const since = before.get(name)?.healthSince ?? null;
      const upAt = status === "up" ? since : null;
      this.#servers.set(name, { status, failures: "", passes: 0, downAt: since, upAt });
    }
  }

  /** A server has registered, which may not be ready yet. */
  came(name: string, now: number): void {
    const status = this.#check ? "down" : "unchecked";
    this.#servers.set(name, { status, failures: "", passes: 0, downAt: now, upAt: null });
  }

  checked(name: string, result: CheckResult, now: number): void {
    const known = this.#servers.get(name);
    if (known && result === "passed") this.#passed(known, now);
    else if (known) this.#failed(known, "c", now);
  }

  requestFailed(name: string, now: number): void {
    const known = this.#servers.get(name);
    if (known) this.#failed(known, "r", now);
  }

  requestAnswered(name: string): void {
    const known = this.#servers.get(name);
    if (known) known.failures = known.failures.replaceAll("r", "");
  }

  upSince(name: string): number | null {
    return this.#servers.get(name)?.upAt ?? null;
  }

  isSurelyDown(name: string, now: number): boolean {
    const { status, downAt } = this.#servers.get(name) ?? { status: "unchecked", downAt: null };
    return status === "down" && downAt !== null && now < downAt + KNOWN_MS;
  }

  compare(servers: readonly { name: string; retired: boolean; health: { status: Health } }[]): void {
    for (const { name, retired, health } of servers) {
      if (!retired) assert.equal(health.status, this.#servers.get(name)?.status, `the health of ${name}`);
    }
  }

  #passed(known: Known, now: number): void {
    known.failures = "";
    known.passes++;
    if (known.status === "down" && known.passes < (this.#check?.rise ?? 1)) return;
    if (known.status !== "up") known.upAt = now;
    known.status = "up";
  }

  #failed(known: Known, kind: string, now: number): void {
    known.passes = 0;
    known.failures += kind;
    if (this.#check && known.failures.length >= this.#check.fall) known.status = "down";
    if (known.status !== "down") return;
    known.downAt = now;
    known.upAt = null;
  }
}
