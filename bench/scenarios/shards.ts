import { costsOf, takeCounts } from "../measure/counts.ts";
import { cpuMsOfThreads } from "../measure/process-use.ts";
import { median } from "../measure/statistics.ts";
import { type Row, Rows } from "../rows.ts";
import { Servers } from "../servers/servers.ts";
import { Spread } from "../subjects/spread.ts";
import { addTarget } from "../targets.ts";
import { type Context, type Scenario, warmUp } from "./scenario.ts";
import { underLoad } from "./single-flight.ts";

const SHARDS = [1, 2, 4, 8];
const QUICK_SHARDS = [1, 2];
/** So many, and so quick, that neither they nor the clients are what limits a pool. */
const SERVERS = 128;
const SERVICE_MS = 10;
const CONNECTIONS = 64;
/** Of each object, where it is slowed: enough for it to be asked all the time, and no more, as the next one waits for them. */
const CONNECTIONS_OF_SLOWED = 8;
/** Of each object, where it is slowed: eight of them ask less than a small machine can do. */
const ENTERS_A_SECOND = 10;
/** Of the sum of what the objects can. */
const LEAST_OF_SLOWED = 0.9;

/** What is measured of a pool. The names of rows are made of these, and of the number of shards. */
const FIGURES = {
  requests: "requests",
  cpu: "CPU of the objects a request",
  coordinator: "the first object's share of that CPU",
  messages: "messages from Workers to objects a request",
  between: "messages between objects a second",
  rows: "rows written a request",
  rejected: "rejected by a server",
  slowed: `slowed to ${ENTERS_A_SECOND} a second each: requests`,
  slowedCpu: "slowed: CPU of the objects a request",
  slowedMessages: "slowed: messages from Workers to objects a request",
} as const;

const rowName = (shards: number, figure: string) => `${shards}: ${figure}`;

export const shards: Scenario = {
  name: "shards",
  about: `a pool of 1, 2, 4 or 8 objects, each in a process of its own, and the Workers in two more; ${SERVERS} single-flight servers of ${SERVICE_MS} ms, ${CONNECTIONS} connections`,
  async run(context) {
    const rows = new Rows(this.name);
    await inTurn(context, "timed", { bundle: "spread" }, async (spread, servers) => {
      const { cpuMs, ...timed } = await usedUnderLoad(spread, servers, context);
      const all = cpuMs.reduce((sum, ms) => sum + ms, 0);
      add(rows, spread, "requests", "/s", timed.served / timed.seconds);
      add(rows, spread, "cpu", "µs", (1_000 * all) / timed.served);
      add(rows, spread, "coordinator", "", (cpuMs[0] ?? 0) / all);
      add(rows, spread, "rejected", "", timed.rejected);
    });
    await inTurn(context, "counted", { bundle: "counted" }, async (spread, servers) => {
      const { messages, between, rows: written } = await countedUnderLoad(spread, servers, context);
      add(rows, spread, "messages", "", messages);
      add(rows, spread, "between", "/s", between);
      add(rows, spread, "rows", "", written);
    });
    const slowed = { bundle: "spread", entersPerSecond: ENTERS_A_SECOND } as const;
    await inTurn(context, "slowed", slowed, async (spread, servers) => {
      const { served, seconds, cpuMs } = await usedUnderLoad(spread, servers, context);
      add(rows, spread, "slowed", "/s", served / seconds);
      add(rows, spread, "slowedCpu", "µs", (1_000 * cpuMs.reduce((sum, ms) => sum + ms, 0)) / served);
    });
    await inTurn(context, "slowed, counted", { ...slowed, bundle: "counted" }, async (spread, servers) => {
      const { messages } = await countedUnderLoad(spread, servers, context);
      add(rows, spread, "slowedMessages", "", messages);
    });
    judge(rows, context);
    const inOrder = Object.values(FIGURES).flatMap((figure) =>
      rows.all.filter(({ name }) => shardsOf(context).some((count) => name === rowName(count, figure))),
    );
    return { rows: inOrder, notes: [] };
  },
};

function shardsOf({ quick }: Context): number[] {
  return quick ? QUICK_SHARDS : SHARDS;
}

function add(
  rows: Rows,
  { shards }: Spread,
  figure: keyof typeof FIGURES,
  unit: string,
  value: number,
): void {
  rows.add(rowName(shards, FIGURES[figure]), unit, "sluice", value);
}

/** All sizes before the same servers, measured in turn, round after round. */
async function inTurn(
  context: Context,
  what: string,
  options: { bundle: "spread" | "counted"; entersPerSecond?: number },
  measure: (spread: Spread, servers: Servers) => Promise<void>,
): Promise<void> {
  const servers = await Servers.start(SERVERS);
  const all: Spread[] = [];
  for (const count of shardsOf(context))
    all.push(await Spread.start(servers.urls, context.gear.bundles, { ...options, shards: count }));
  await servers.work(SERVICE_MS);
  for (const spread of all) {
    // One that is slowed may answer nothing in so short a time.
    if (!spread.isSlowed) await warmUp(spread, context);
    else if (!context.quick) await usedUnderLoad(spread, servers, context);
  }
  for (let round = 1; round <= context.rounds; round++) {
    for (const spread of all) {
      context.progress(`shards, ${what}, round ${round} of ${context.rounds}: ${spread.shards}`);
      await measure(spread, servers);
    }
  }
  for (const spread of all) await spread.stop();
  await servers.stop();
}

function connectionsOf({ shards, isSlowed }: Spread): number {
  return isSlowed ? CONNECTIONS_OF_SLOWED * shards : CONNECTIONS;
}

async function usedUnderLoad(spread: Spread, servers: Servers, context: Context) {
  const first = await servers.counts();
  const [before, after] = await underLoad(spread, servers, context, connectionsOf(spread), async () => ({
    cpuMs: spread.pids.map(cpuMsOfThreads),
    ...(await servers.counts()),
  }));
  const { rejected } = await servers.untilQuiet();
  return {
    served: after.served - before.served,
    seconds: (after.at - before.at) / 1_000,
    cpuMs: after.cpuMs.map((ms, n) => ms - (before.cpuMs[n] ?? 0)),
    rejected: rejected - first.rejected,
  };
}

/** Calls are counted by who makes them, messages on handles and rows by the objects. */
async function countedUnderLoad(spread: Spread, servers: Servers, context: Context) {
  const look = async () => ({
    at: performance.now(),
    byWorkers: await takeCounts(spread),
    byObjects: await takeCounts({ urls: spread.objectUrls }),
  });
  const [before, after] = await underLoad(spread, servers, context, connectionsOf(spread), look);
  await servers.untilQuiet();
  const calls = Object.entries(after.byObjects).filter(([name]) => name.startsWith("call: pool."));
  const between = calls.reduce((sum, [, count]) => sum + count, 0);
  const others = Object.fromEntries(calls.map(([name]) => [name, 0]));
  const costs = costsOf({ ...after.byObjects, ...others, ...after.byWorkers });
  return { ...costs, between: between / ((after.at - before.at) / 1_000) };
}

function judge(rows: Rows, context: Context): void {
  const slowed = (count: number) => rows.row(rowName(count, FIGURES.slowed));
  const one = median(valuesOf(slowed(1)));
  for (const count of shardsOf(context)) {
    const rejected = rows.row(rowName(count, FIGURES.rejected));
    const total = valuesOf(rejected).reduce((sum, value) => sum + value, 0);
    addTarget(rejected, { wanted: "none", met: total === 0, found: String(total) });
    if (count === 1) continue;
    const found = median(valuesOf(slowed(count))) / one;
    addTarget(slowed(count), {
      wanted: `at least ${(LEAST_OF_SLOWED * count).toFixed(1)} times what one does`,
      met: found >= LEAST_OF_SLOWED * count,
      found: `${found.toFixed(2)} times`,
    });
  }
}

function valuesOf({ cells }: Row): number[] {
  return cells.sluice ?? [];
}
