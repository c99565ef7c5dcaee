import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../load/load.ts";
import { costsOf, passesOf, type RequestCosts, shareOfPasses, takeCounts } from "../measure/counts.ts";
import { cpuSeconds } from "../measure/process-use.ts";
import type { Rows } from "../rows.ts";
import type { Servers } from "../servers/servers.ts";
import type { Subject, SubjectName } from "../subjects/subject.ts";
import type { Context } from "./scenario.ts";

export const SERVERS = 10;
const CONNECTIONS = 40;
/** The start and the end of a load, where not all connections are at work yet or still, are not looked at. */
const MARGIN_MS = 300;

/** What single-flight servers had of a subject under load. */
export interface Use {
  /** Over what the servers could have served. */
  served: number;
  /** Of a slot, between two requests. */
  idleMs: number;
  /** For each request, of the subject's process; `null`: it has none. */
  cpuMicroseconds: number | null;
  /** Requests that reached a server at work, also those that were left behind when the load was over. */
  rejected: number;
}

export async function useOf(
  subject: Subject,
  servers: Servers,
  serviceMs: number,
  context: Context,
): Promise<Use> {
  const { pid } = subject;
  const cpuNow = () => (pid === null ? 0 : cpuSeconds(pid));
  await servers.work(serviceMs);
  const first = await servers.counts();
  const [before, after] = await underLoad(subject, servers, context, CONNECTIONS, async () => ({
    cpu: cpuNow(),
    ...(await servers.counts()),
  }));
  const end = await servers.untilQuiet();
  const possibleMs = (after.at - before.at) * SERVERS;
  const count = after.served - before.served;
  return {
    served: count / (possibleMs / serviceMs),
    idleMs: (possibleMs - (after.busyMs - before.busyMs)) / count,
    cpuMicroseconds: pid === null ? null : ((after.cpu - before.cpu) / count) * 1e6,
    rejected: end.rejected - first.rejected,
  };
}

/** What a counted subject sends and writes under the same load. */
export interface Costs extends RequestCosts {
  /** The share of requests that got a lease that was passed on. */
  passed: number;
}

export async function countedCosts(
  subject: Subject,
  servers: Servers,
  serviceMs: number,
  context: Context,
): Promise<Costs> {
  await servers.work(serviceMs);
  // The first look at Sluice's pool is itself counted: one request with one message.
  const [before, after] = await underLoad(subject, servers, context, CONNECTIONS, async () => ({
    counts: await takeCounts(subject),
    passes: await passesOf(subject),
  }));
  await servers.untilQuiet();
  const passed = shareOfPasses(after.counts, before.passes, after.passes);
  return { ...costsOf(after.counts), passed };
}

/** Looks twice, while all connections are at work. They are dealt out among the isolates of a subject. */
export async function underLoad<T>(
  { urls }: Pick<Subject, "urls">,
  servers: Servers,
  { gear, quick }: Context,
  connections: number,
  look: () => Promise<T>,
): Promise<[T, T]> {
  const seconds = quick ? 2 : 3;
  const { served } = await servers.counts();
  const each = connections / urls.length;
  const loads = urls.map((url) =>
    run({ url: `${url}/work`, connections: each, seconds, failuresAllowed: true }, gear),
  );
  // A load generator takes its time to start on a busy machine.
  await servers.untilMoreServed(served);
  await sleep(MARGIN_MS);
  const before = await look();
  await sleep(seconds * 1000 - 2 * MARGIN_MS);
  const after = await look();
  await Promise.all(loads);
  return [before, after];
}

export type Names = ReturnType<typeof namesOf>;

/** The names of rows, for servers whose service takes so long. */
export function namesOf(serviceMs: number, isolates = 1) {
  const when = isolates > 1 ? `${serviceMs} ms, ${isolates} isolates` : `${serviceMs} ms`;
  return {
    served: `${when}: served over the ideal`,
    idle: `${when}: a slot's idle time between two requests`,
    cpu: `${when}: CPU a request`,
    rejected: `${when}: rejected by a server`,
    passed: `${when}: share of leases that were passed on`,
    messages: `${when}: messages to the object a request`,
    rows: `${when}: rows written a request`,
    slotRows: `${when}: of these, rows of slots`,
  };
}

export function addUse(rows: Rows, names: Names, subject: SubjectName, use: Use, base: SubjectName): void {
  const { served, idleMs, cpuMicroseconds, rejected } = use;
  rows.add(names.served, "", subject, served, base);
  rows.add(names.idle, "ms", subject, idleMs, base);
  if (cpuMicroseconds !== null) rows.add(names.cpu, "µs", subject, cpuMicroseconds, base);
  rows.add(names.rejected, "", subject, rejected);
}

export function addCosts(rows: Rows, names: Names, subject: SubjectName, costs: Costs): void {
  rows.add(names.passed, "", subject, costs.passed);
  rows.add(names.messages, "", subject, costs.messages);
  rows.add(names.rows, "", subject, costs.rows);
  rows.add(names.slotRows, "", subject, costs.slotRows);
}
