import { join } from "node:path";
import { run } from "../load/load.ts";
import type { Gear } from "../measure/gear.ts";
import { cpuSeconds } from "../measure/process-use.ts";
import { Rows } from "../rows.ts";
import { Servers } from "../servers/servers.ts";
import { startSluice } from "../subjects/sluice.ts";
import type { Subject } from "../subjects/subject.ts";
import { ratioTarget } from "../targets.ts";
import { type Context, type Scenario, warmUp } from "./scenario.ts";
import { addUse, namesOf, SERVERS, useOf } from "./single-flight.ts";

const SERVICE_MS = 10;
/** What the medians of one and the same bundle may differ by. */
const SAME = 1.05;

type Name = "sluice" | "other";
const TURNS: Name[][] = [
  ["sluice", "other"],
  ["other", "sluice"],
];

/** Sluice as it is and another bundle of it, `index.js` of a folder, each time in a process of its own. */
export function against(folder: string): Scenario {
  return {
    name: "against",
    about:
      "Sluice and another bundle of it in turns of new processes; the first rows: 64 servers, service time 0",
    async run(context) {
      const rows = new Rows(this.name);
      const { gear, rounds, progress } = context;
      const other: Gear = { ...gear, bundles: { ...gear.bundles, sluice: join(folder, "index.js") } };
      for (let round = 1; round <= rounds; round++) {
        for (const name of TURNS[round % TURNS.length] as Name[]) {
          progress(`${this.name}, round ${round} of ${rounds}: ${name}`);
          await measure(name, rows, name === "other" ? { ...context, gear: other } : context);
        }
      }
      ratioTarget(rows.row(P50), "other", { most: SAME });
      for (const isolates of [1, 2])
        ratioTarget(rows.row(namesOf(SERVICE_MS, isolates).served), "other", { least: 1 / SAME });
      return { rows: rows.all, notes: [] };
    },
  };
}

const P50 = "1 connection: p50";

async function measure(name: Name, rows: Rows, context: Context): Promise<void> {
  await inNewProcess(64, 1, context, async (subject) => {
    const one = await costOf(subject, 1, context);
    rows.add(P50, "ms", name, one.p50Ms, "other");
    rows.add("1 connection: CPU a request", "µs", name, one.cpuMicroseconds, "other");
    const many = await costOf(subject, 40, context);
    rows.add("40 connections: requests", "/s", name, many.perSecond, "other");
    rows.add("40 connections: CPU a request", "µs", name, many.cpuMicroseconds, "other");
  });
  for (const isolates of [1, 2])
    await inNewProcess(SERVERS, isolates, context, async (subject, servers) => {
      const use = await useOf(subject, servers, SERVICE_MS, context);
      addUse(rows, namesOf(SERVICE_MS, isolates), name, use, "other");
    });
}

async function inNewProcess(
  serverCount: number,
  isolates: number,
  context: Context,
  measure: (subject: Subject, servers: Servers) => Promise<void>,
): Promise<void> {
  const servers = await Servers.start(serverCount);
  const subject = await startSluice(servers.urls, context.gear.bundles, { isolates });
  try {
    await warmUp(subject, context);
    await measure(subject, servers);
  } finally {
    await subject.stop();
    await servers.stop();
  }
}

async function costOf({ url, pid }: Subject, connections: number, { gear, quick }: Context) {
  const before = cpuSeconds(pid as number);
  const load = await run({ url: `${url}/`, connections, seconds: quick ? 1 : 3 }, gear);
  return {
    p50Ms: load.p50Ms,
    perSecond: load.requests / load.seconds,
    cpuMicroseconds: ((cpuSeconds(pid as number) - before) / load.requests) * 1e6,
  };
}
