import type { Snapshot } from "../../scheduler/snapshot.ts";
import { conditionOf } from "../../words/condition.ts";
import { inSentence, serversInUse } from "../../words/phrases.ts";
import { clock } from "../../words/times.ts";
import type { AllPools } from "../client/admin-client.ts";
import { clause } from "../client/failures.ts";
import { counts } from "./counts.ts";
import type { Output } from "./output.ts";
import { printable } from "./output.ts";

/** The output of `top` without a screen: a line for each change, or with `--json` a line for each snapshot. */
export class Changes {
  readonly #output: Output;
  readonly #json: boolean;
  readonly #last = new Map<string, string>();
  #isLost = false;
  #unreachable = new Set<string>();

  constructor(output: Output, json: boolean) {
    this.#output = output;
    this.#json = json;
  }

  print({ pools, unreachable }: AllPools, now: number): void {
    this.#isLost = false;
    const outages = unreachable.filter((name) => !this.#unreachable.has(name));
    this.#unreachable = new Set(unreachable);
    for (const name of outages) this.#printTrouble(`pool ${printable(name)} cannot be reached`);
    for (const pool of pools) {
      if (this.#json) this.#output.write(`${JSON.stringify(pool)}\n`);
      else this.#printChange(pool, now);
    }
  }

  printOutage(error: string): void {
    if (!this.#isLost) this.#printTrouble(clause(error));
    this.#isLost = true;
  }

  #printTrouble(trouble: string): void {
    process.stderr.write(`sluice: ${trouble}; trying again\n`);
  }

  #printChange(pool: Snapshot, now: number): void {
    const { name, inFlight, queued, quarantined, deferred } = pool;
    const state = inSentence(conditionOf(pool).words);
    const out = pool.servers.length - serversInUse(pool);
    const failed = deferred?.failed ?? 0;
    const change = JSON.stringify([state, inFlight, queued, quarantined, out, deferred?.queued, failed]);
    if (change === this.#last.get(name)) return;
    this.#last.set(name, change);
    // The words of the state may say the same.
    const servers =
      out > 0 && !state.includes("server") ? `, ${out} of ${pool.servers.length} servers out` : "";
    const failures = failed > 0 ? `, ${failed} deferred failed` : "";
    this.#output.write(`${clock(now, now)} ${name} ${state}: ${counts(pool)}${failures}${servers}\n`);
  }
}
