import type { Snapshot } from "../../scheduler/snapshot.ts";
import { clause } from "../client/failures.ts";
import { counts, serversOut } from "./counts.ts";
import { clock } from "./durations.ts";
import type { Output } from "./style.ts";

/** What `top` prints where there is no screen: a line for each change, or every snapshot as an object a line. */
export class Changes {
  readonly #output: Output;
  readonly #json: boolean;
  readonly #last = new Map<string, string>();
  #lost = false;

  constructor(output: Output, json: boolean) {
    this.#output = output;
    this.#json = json;
  }

  print(pools: readonly Snapshot[]): void {
    this.#lost = false;
    for (const pool of pools) {
      if (this.#json) this.#output.write(`${JSON.stringify(pool)}\n`);
      else this.#printChange(pool);
    }
  }

  lost(error: string): void {
    if (!this.#lost) process.stderr.write(`sluice: ${clause(error)}; trying again\n`);
    this.#lost = true;
  }

  #printChange(pool: Snapshot): void {
    const { name, state, inFlight, queued, quarantined } = pool;
    const out = serversOut(pool);
    const change = JSON.stringify([state, inFlight, queued, quarantined, out]);
    if (change === this.#last.get(name)) return;
    this.#last.set(name, change);
    const servers = out > 0 ? `, ${out} of ${pool.servers.length} servers out` : "";
    this.#output.write(`${clock(Date.now())} ${name} ${state}: ${counts(pool)}${servers}\n`);
  }
}
