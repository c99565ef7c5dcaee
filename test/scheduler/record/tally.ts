import assert from "node:assert/strict";
import type { Counts, Totals } from "../../../src/scheduler/record/counters.ts";
import type { CutOff, LeaseEnd } from "../../../src/scheduler/terms/lease-end.ts";

const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);

/** What a client is told whose request ended so; of the others there is nobody left to tell. */
const REFUSED_WITH: Partial<Record<CutOff, string>> = {
  broken: "bad-gateway",
  unreachable: "bad-gateway",
  timeout: "server-timeout",
  longest: "server-timeout",
  stalled: "client-timeout",
  cut: "cut-off",
};

/** A pool's counts, counted once more by what happens to its requests. */
export class Tally {
  accepted = 0;
  completed = 0;
  retried = 0;
  abandoned = 0;
  drains = 0;
  /** Requests that were given their first slot. */
  waits = 0;
  refused: Record<string, number> = {};

  refuse(code: string): void {
    this.refused[code] = (this.refused[code] ?? 0) + 1;
  }

  /** A lease is over. `held`: until now, and its Worker was not taken for lost. */
  end(end: LeaseEnd, held: boolean): void {
    if (end.how === "busy" || ("retried" in end && end.retried)) {
      this.retried++;
      // It was counted as abandoned when its Worker was taken for lost.
      if (!held) this.abandoned--;
    } else if (!held) return;
    else if (end.how === "done" || end.how === "early") this.completed++;
    else {
      const code = end.how === "unused" || end.clientLeft ? undefined : REFUSED_WITH[end.how];
      if (code === undefined) this.abandoned++;
      else this.refuse(code);
    }
  }

  copy(): Tally {
    return Object.assign(new Tally(), this, { refused: { ...this.refused } });
  }

  /** By how much the two differ, all counts taken together. */
  distance(other: Tally): number {
    const [mine, others] = [this.#counts, other.#counts];
    const names = new Set([...Object.keys(mine), ...Object.keys(others)]);
    return sum([...names].map((name) => Math.abs((mine[name] ?? 0) - (others[name] ?? 0))));
  }

  compareTotals(totals: Totals): void {
    const { accepted, completed, retried, abandoned, refused } = this;
    const { passedOn } = totals;
    assert.deepEqual(totals, { accepted, completed, retried, abandoned, refused, free: 0, passedOn });
  }

  compare(counts: Counts): void {
    const { drains, answered, servers, waits: _, abandonedTold: __, ...totals } = counts;
    this.compareTotals(totals);
    assert.equal(drains, this.drains, "drains");
    assert.equal(sum(counts.waits.counts), this.waits, "waits");
    assert.equal(sum(Object.values(answered)), this.completed, "answered");
    assert.equal(sum(servers.flatMap(({ service }) => service.counts)), this.completed, "served");
    assert.equal(sum(servers.map((server) => server.retried)), this.retried, "retried by servers");
  }

  get #counts(): Record<string, number> {
    const { refused, ...counts } = this;
    return { ...counts, ...refused };
  }
}

/** What a scrape shows as counters. */
export function scraped(counts: Counts): Record<string, number> {
  const { accepted, completed, retried, abandonedTold, drains, refused, answered, waits, servers } = counts;
  const served = sum(servers.flatMap(({ service }) => service.counts));
  const waited = sum(waits.counts);
  return { accepted, completed, retried, abandonedTold, drains, ...refused, ...answered, waited, served };
}
