import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../load/load.ts";
import { type Row, Rows } from "../rows.ts";
import type { Servers } from "../servers/servers.ts";
import type { Subject } from "../subjects/subject.ts";
import { addTarget, medianTarget, neverTarget } from "../targets.ts";
import { type Context, type Scenario, sideBySide } from "./scenario.ts";

/** Each round takes more than a minute, and what it measures spreads little. */
const MOST_ROUNDS = 2;
const SERVERS = 10;

/** One client keeps so many requests waiting; two others send one at a time. */
const WAITING = 500;
/** So long that what a hand-over takes, on a busy machine too, is little beside it. */
const SERVICE_MS = 200;
const LIGHT = ["B", "C"] as const;
/** What the light ones may wait for. */
const MOST_SERVICES = 2;

/** Five clients, each with requests of its own length, and so many of them at a time that some always wait. */
const LENGTHS_MS = [200, 300, 400, 600, 800] as const;
const OF_EACH = 12;
const FAIR = 1 / LENGTHS_MS.length;
const MOST_OFF = 0.1;

/** Until all are at work, and for those that are not any more. */
const MARGIN_SECONDS = 2;

export const fair: Scenario = {
  name: "fair",
  about: "10 single-flight servers, a client with 500 requests waiting, and two with one at a time",
  async run(context) {
    const rows = new Rows(this.name);
    const setting = {
      ...{ context, name: this.name, subjects: ["sluice", "haproxy"] as const, servers: SERVERS },
      rounds: Math.min(context.rounds, MOST_ROUNDS),
      pool: { flow: "query:key" },
    };
    await sideBySide(setting, async (subject, servers) => {
      const before = await servers.untilQuiet();
      await beside(subject, servers, rows, context);
      await amongFive(subject, servers, rows, context);
      const after = await servers.untilQuiet();
      rows.add(REJECTED, "", subject.name, after.rejected - before.rejected);
    });
    for (const client of LIGHT) medianTarget(rows.row(waits(client)), { most: MOST_SERVICES * SERVICE_MS });
    for (const ms of LENGTHS_MS) shareTarget(rows.row(shareOf(ms)));
    neverTarget(rows.row(REJECTED));
    return { rows: rows.all, notes: [] };
  },
};

const REJECTED = "rejected by a server";
const REST = `A with ${WAITING} waiting: its share of the servers' time`;
const waits = (client: string) => `${client} beside ${WAITING} of A: wait, median`;
const shareOf = (ms: number) => `five clients: share of the servers' time, ${ms} ms a request`;

async function beside(
  subject: Subject,
  servers: Servers,
  rows: Rows,
  { gear, quick }: Context,
): Promise<void> {
  const seconds = quick ? 1 : 30;
  const load = (key: string, connections: number, seconds: number) =>
    run({ url: `${subject.url}/serve/${SERVICE_MS}?key=${key}`, connections, seconds }, gear);
  const heavy = load("A", WAITING + SERVERS, seconds + 2 * MARGIN_SECONDS);
  await sleep(MARGIN_SECONDS * 1_000);
  await servers.works();
  const light = await Promise.all(LIGHT.map((client) => load(client, 1, seconds)));
  const works = await servers.works();
  await heavy;
  for (const [n, client] of LIGHT.entries())
    rows.add(waits(client), "ms", subject.name, Math.max(0, (light[n]?.p50Ms ?? Number.NaN) - SERVICE_MS));
  rows.add(REST, "", subject.name, (works.A ?? 0) / sumOf(works));
  await servers.untilQuiet();
}

async function amongFive(
  subject: Subject,
  servers: Servers,
  rows: Rows,
  { gear, quick }: Context,
): Promise<void> {
  const seconds = quick ? 1 : 20;
  const loads = LENGTHS_MS.map((ms) => {
    const url = `${subject.url}/serve/${ms}?key=of${ms}`;
    return run({ url, connections: OF_EACH, seconds: seconds + 2 * MARGIN_SECONDS }, gear);
  });
  await sleep(MARGIN_SECONDS * 1_000);
  await servers.works();
  await sleep(seconds * 1_000);
  const works = await servers.works();
  await Promise.all(loads);
  for (const ms of LENGTHS_MS)
    rows.add(shareOf(ms), "", subject.name, (works[`of${ms}`] ?? 0) / sumOf(works));
}

function sumOf(works: Record<string, number>): number {
  return Object.values(works).reduce((sum, ms) => sum + ms, 0);
}

function shareTarget(row: Row): void {
  const shares = row.cells.sluice ?? [];
  const off = Math.max(...shares.map((share) => Math.abs(share / FAIR - 1)));
  const say = (value: number) => `${Math.round(value * 100)} % off a fifth`;
  addTarget(row, { wanted: `at most ${say(MOST_OFF)}`, met: off <= MOST_OFF, found: say(off) });
}
