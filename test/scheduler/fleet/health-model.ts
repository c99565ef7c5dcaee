import { expect } from "vitest";
import type { PoolConfig } from "../../../src/config/types.ts";
import type { CheckResult } from "../../../src/scheduler/fleet/health.ts";
import type { Health } from "../../../src/scheduler/terms/rows.ts";

interface Known {
  status: Health;
  /** What has come since the last answer that says otherwise: `c` a failed check, `r` a failed request. */
  failures: string;
  passes: number;
}

/** A server's health told once more, in other words: from the list of what it failed. */
export class HealthModel {
  readonly #check: PoolConfig["check"];
  readonly #servers = new Map<string, Known>();

  /** `before`: what the ledger holds. */
  constructor({ check, servers }: PoolConfig, before: ReadonlyMap<string, { health: Health }>) {
    this.#check = check;
    for (const { name } of servers) {
      const status = check ? (before.get(name)?.health ?? "unchecked") : "unchecked";
      this.#servers.set(name, { status, failures: "", passes: 0 });
    }
  }

  checked(name: string, result: CheckResult): void {
    const known = this.#servers.get(name);
    if (known && result === "passed") this.#passed(known);
    else if (known) this.#failed(known, "c");
  }

  requestFailed(name: string): void {
    const known = this.#servers.get(name);
    if (known) this.#failed(known, "r");
  }

  requestAnswered(name: string): void {
    const known = this.#servers.get(name);
    if (known) known.failures = known.failures.replaceAll("r", "");
  }

  compare(servers: readonly { name: string; retired: boolean; health: { status: Health } }[]): void {
    for (const { name, retired, health } of servers) {
      if (!retired) expect(health.status, `the health of ${name}`).toBe(this.#servers.get(name)?.status);
    }
  }

  #passed(known: Known): void {
    known.failures = "";
    known.passes++;
    if (known.status !== "down" || known.passes >= (this.#check?.rise ?? 1)) known.status = "up";
  }

  #failed(known: Known, kind: string): void {
    known.passes = 0;
    known.failures += kind;
    if (this.#check && known.failures.length >= this.#check.fall) known.status = "down";
  }
}
