import { audit } from "./audit.ts";
import { type Cast, direct } from "./director.ts";
import { comeToRest } from "./ending.ts";
import { starved } from "./flows.ts";
import { Guest } from "./guest.ts";
import { Journal } from "./journal.ts";
import { Load } from "./load.ts";
import { Operator } from "./operator.ts";
import { eavesdrop, judgeSecrets } from "./overheard.ts";
import type { Pauses } from "./pauses.ts";
import { drawSettings, type PoolName, passesOn, poolTable } from "./pool.ts";
import type { Random } from "./random.ts";
import type { Runtime } from "./runtime.ts";
import { type Scheduled, schedule } from "./schedule.ts";
import { ChaosServer } from "./servers/server.ts";
import { Spread } from "./spread.ts";
import { watch } from "./watch.ts";

/** However bad the seed: a pool that only refuses keeps no promise. */
const LEAST_ANSWERED = 0.1;

/** One pool with its servers, its clients and its operator; what happens to it is all its own. */
export class Arena {
  readonly pool: PoolName;
  readonly journal: Journal;
  readonly #random: Random;
  readonly #servers: ChaosServer[];
  /** It comes and goes as it likes. */
  readonly #guest: ChaosServer;

  /** `load`: how many requests come, over the usual. */
  constructor(
    pool: PoolName,
    random: Random,
    pauses: Pauses,
    { without, load, shards }: { without: readonly string[]; load: number; shards: number },
  ) {
    this.pool = pool;
    this.#random = random;
    const drawn = drawSettings(random.fork("settings"), pool, without, shards);
    this.journal = new Journal({ ...drawn, meanGapMs: Math.round(drawn.meanGapMs / load) }, pauses);
    const { servers } = this.journal.settings;
    this.#servers = Array.from({ length: servers }, (_, index) => this.#server(index));
    this.#guest = this.#serverNamed({ name: `${pool}-guest`, slots: 2, backup: false });
  }

  /** Opens its servers. Resolves with the pool's table. */
  async open(): Promise<Record<string, unknown>> {
    await Promise.all([...this.#servers, this.#guest].map((server) => server.start()));
    const listed = this.#servers.map(({ name, url, workload: { slots }, backup }) => ({
      name,
      url,
      slots,
      backup,
    }));
    return poolTable(this.journal.settings, listed, this.#guest.url);
  }

  /** All who have a part in it. */
  cast(runtime: Runtime, isolates: number): Cast {
    const { pool, journal } = this;
    const servers = this.#servers;
    const operator = new Operator(runtime, journal, [...servers, this.#guest]);
    const guest = new Guest(this.#guest, runtime, journal);
    return { pool, runtime, isolates, journal, servers, operator, guest };
  }

  /** Lets everything happen for so long, and judges how it ends. */
  async run(cast: Cast, forMs: number): Promise<void> {
    const { runtime, journal } = cast;
    const spread = new Spread(this.#random.fork("isolates"), cast.isolates, forMs);
    const load = new Load(runtime, journal, this.#random.fork("requests"), spread);
    const watching = new AbortController();
    const { signal } = watching;
    const watched = Promise.all([watch(runtime, journal, signal), eavesdrop(runtime, journal, signal)]);
    try {
      await Promise.all([load.run(forMs), direct(cast, this.#schedule(forMs))]);
      this.#judgeShare();
      // Who may have few slots loses them to its own requests that hang, and to lost leases.
      if (journal.settings.flow !== undefined && journal.settings.max_in_flight_per_flow === undefined)
        for (const text of starved(journal.requests.values())) journal.break("starved", text);
      await comeToRest(cast, load).catch((error) => journal.break("slot", `no end: ${error.stack}`));
      await this.#judgeStored(runtime);
    } finally {
      watching.abort();
      await watched;
    }
  }

  close(): void {
    for (const server of [...this.#servers, this.#guest]) server.stop();
  }

  #schedule(forMs: number): Scheduled[] {
    const { settings } = this.journal;
    const all = schedule(this.#random.fork("schedule"), forMs, settings);
    const isDue = ({ what }: Scheduled) => what !== "crash at a hand-over" || passesOn(settings);
    return all.filter((one) => isDue(one) && !settings.without.includes(one.what));
  }

  #server(index: number): ChaosServer {
    const { servers, backups } = this.journal.settings;
    const backup = index >= servers - backups;
    return this.#serverNamed({ name: `${this.pool}-${index}`, slots: 1 + (index % 2), backup });
  }

  #serverNamed(named: { name: string; slots: number; backup: boolean }): ChaosServer {
    return new ChaosServer(named, this.journal, this.#random.fork("jobs"));
  }

  async #judgeStored(runtime: Runtime): Promise<void> {
    try {
      await audit(this.journal, runtime);
      await judgeSecrets(runtime, this.journal);
    } catch (error) {
      this.journal.break("lost", `no audit: ${(error as Error).stack}`);
    }
  }

  #judgeShare(): void {
    const ended = [...this.journal.requests.values()].filter(({ endedAt }) => endedAt !== null);
    const answered = ended.filter(({ outcome }) => outcome?.endsWith("answered")).length;
    if (answered >= LEAST_ANSWERED * ended.length) return;
    this.journal.break("lost", `no more than ${answered} of ${ended.length} requests were answered`);
  }
}
