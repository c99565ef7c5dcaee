import { Sluice } from "../support/sluice.ts";
import { direct } from "./director.ts";
import { comeToRest } from "./ending.ts";
import { Journal } from "./journal.ts";
import { Load } from "./load.ts";
import { Operator } from "./operator.ts";
import { drawSettings, poolTable, SERVERS } from "./pool.ts";
import { Random } from "./random.ts";
import type { Tried } from "./report.ts";
import { schedule } from "./schedule.ts";
import { ChaosServer } from "./server.ts";
import { story } from "./story.ts";
import { runs, watch } from "./watch.ts";

const MOST_STORIES = 10;
/** However bad the seed: a pool that only refuses keeps no promise. */
const LEAST_ANSWERED = 0.1;

export interface Options {
  seed: number;
  seconds: number;
  /** Shown the journal now and then. */
  onProgress?: (journal: Journal) => void;
}

/** Runs it all, and tells what was tried and the story of each promise that was broken. */
export async function chaos({ seed, seconds, onProgress }: Options): Promise<Tried & { stories: string[] }> {
  const random = new Random(seed);
  const settings = drawSettings(random.fork("settings"));
  const journal = new Journal(settings);
  const servers = Array.from({ length: SERVERS }, (_, index) => {
    const backup = index >= SERVERS - settings.backups;
    return new ChaosServer(
      { name: `web-${index}`, slots: 1 + (index % 2), backup },
      journal,
      random.fork("jobs"),
    );
  });
  await Promise.all(servers.map((server) => server.start()));
  const listed = servers.map(({ name, url, workload, backup }) => ({
    name,
    url,
    slots: workload.slots,
    backup,
  }));
  const sluice = await Sluice.start({ pools: { web: poolTable(settings, listed) } });
  const progress = setInterval(() => onProgress?.(journal), 10_000);
  const watching = new AbortController();
  try {
    const cast = { sluice, journal, servers, operator: new Operator(sluice, journal, servers) };
    const load = new Load(sluice, journal, random.fork("requests"));
    const watched = watch(sluice, journal, watching.signal);
    await Promise.all([
      load.run(seconds * 1000),
      direct(cast, schedule(random.fork("schedule"), seconds * 1000)),
    ]);
    judgeShare(journal);
    await comeToRest(cast, load).catch((error) => journal.break("slot", `no end: ${error.stack}`));
    watching.abort();
    await watched;
    const stories = journal.broken
      .slice(0, MOST_STORIES)
      .map((one) => story(one, journal, sluice.log).join("\n"));
    return { seed, seconds, settings, journal, stories };
  } finally {
    watching.abort();
    clearInterval(progress);
    for (const server of servers) server.stop();
    // It waits for an end that has been already, otherwise.
    if (runs(sluice)) await sluice.stop();
  }
}

function judgeShare(journal: Journal): void {
  const ended = [...journal.requests.values()].filter(({ endedAt }) => endedAt !== null);
  const answered = ended.filter(({ outcome }) => outcome === "answered").length;
  if (answered >= LEAST_ANSWERED * ended.length) return;
  journal.break("lost", `no more than ${answered} of ${ended.length} requests were answered`);
}
