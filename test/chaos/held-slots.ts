import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import type { Journal, Sent } from "./journal.ts";
import { LEASE_TTL_MS, longestLeaseMs, longestLostMs, passesOn } from "./pool.ts";

const SAME_MOMENT_MS = 100;

/**
 * How long each lease has its slot, from one snapshot to the next: no longer than a request and its quarantine take, or than
 * a lease lives whose holder was lost. A lease that is passed on keeps its id, whatever the pool says since when it is held.
 */
export class HeldSlots {
  readonly #journal: Journal;
  /** By the id of the lease, in ms since the run began. */
  readonly #takenAt = new Map<string, number>();
  /** At which shard it is. */
  readonly #shardOf = new Map<string, number>();
  readonly #tooLong = new Set<string>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  look(servers: Pick<Snapshot["servers"][number], "name" | "leases" | "shard">[]): void {
    const [journal, now] = [this.#journal, this.#journal.now()];
    const seen = new Set<string>();
    for (const { name, leases, shard } of servers) {
      for (const { id, since, quarantined } of leases) {
        seen.add(id);
        const takenAt = Math.min(this.#takenAt.get(id) ?? now, now - (Date.now() - Date.parse(since)));
        this.#takenAt.set(id, takenAt);
        // A server that changes hands may have it where it was before.
        if (shard !== undefined && !this.#shardOf.has(id)) this.#shardOf.set(id, shard);
        const ageMs = now - takenAt;
        journal.longestLeaseMs = Math.max(journal.longestLeaseMs, ageMs);
        if (now <= this.#latestEnd(takenAt, this.#shardOf.get(id)) || this.#tooLong.has(id)) continue;
        this.#tooLong.add(id);
        const state = quarantined ? "in quarantine" : "leased";
        const text = `${name}: lease ${id}, ${state}, has a slot for ${ageMs.toFixed(0)} ms, since ${since}`;
        journal.break("slot", text, this.#suspects(name, takenAt), takenAt);
      }
    }
    for (const id of this.#takenAt.keys()) {
      if (seen.has(id)) continue;
      this.#takenAt.delete(id);
      this.#shardOf.delete(id);
    }
  }

  /** When the slot of a lease of that moment is free again at the latest. */
  #latestEnd(takenAt: number, shard = 0): number {
    const { kills, settings } = this.#journal;
    const end = this.#onceToldOf(takenAt + longestLeaseMs(settings), takenAt, shard);
    // Whichever isolate held it, it may have gone with that.
    const kill = kills.findLast(({ from, to }) => from <= end && to >= takenAt);
    if (kill) return Math.max(end, this.#firstRestart(kill.from, kill.to, shard) + longestLostMs(settings));
    // It was granted to nobody.
    if (this.#journal.hadGhosts(takenAt, takenAt))
      return Math.max(end, this.#firstRestart(takenAt, takenAt, shard) + longestLostMs(settings));
    // Who got a lease that was passed on may be lost without a word: that is found by its time to live alone.
    return passesOn(settings)
      ? Math.max(end, this.#firstRestart(takenAt, takenAt, shard) + longestLostMs(settings))
      : end;
  }

  /** While nobody reaches its shard, nobody can say there that it has ended, nor see that it has. */
  #onceToldOf(end: number, takenAt: number, shard: number): number {
    const { losses } = this.#journal;
    const during = losses.filter((loss) => loss.shard === shard && loss.from <= end && loss.to >= takenAt);
    const now = this.#journal.now();
    return during.reduce((sum, { from, to }) => sum + Math.min(to, now) - from, end);
  }

  /**
   * A lease's time to live begins anew when the pool's object has restarted, once. Returns when it did so for one that was
   * held at `since`; `otherwise`: if it did not.
   */
  #firstRestart(since: number, otherwise: number, shard: number): number {
    const { kills, crashes } = this.#journal;
    const restarts = [
      ...crashes.filter((crash) => crash.shard === shard).map(({ at }) => at),
      ...kills.filter(({ isolates }) => isolates.includes(0)).map(({ to }) => to),
    ];
    const inTime = restarts.filter((at) => at >= since && at <= otherwise + LEASE_TTL_MS);
    return inTime.length === 0 ? otherwise : Math.max(otherwise, Math.min(...inTime));
  }

  /** Which of its requests the server got when the slot was taken. Perhaps it got none. */
  #suspects(server: string, takenAt: number): Sent[] {
    const isOf = (job: Journal["jobs"][number]) =>
      job.server === server && Math.abs(job.readAt - takenAt) < SAME_MOMENT_MS;
    return this.#journal.jobs.filter(isOf).map(({ sent }) => sent);
  }
}
