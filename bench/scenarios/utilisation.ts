import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../load/load.ts";
import { cpuSeconds } from "../measure/process-use.ts";
import { Rows } from "../rows.ts";
import type { Servers } from "../servers/servers.ts";
import type { Subject } from "../subjects/subject.ts";
import { neverTarget, ratioTarget } from "../targets.ts";
import { type Context, type Scenario, sideBySide } from "./scenario.ts";

const SERVERS = 10;
const SERVICE_MS = [5, 10, 50] as const;
/** The start and the end of a load, where not all connections are at work yet or still, are not looked at. */
const MARGIN_MS = 300;

export const utilisation: Scenario = {
  name: "utilisation",
  about: "10 single-flight servers, 40 connections: what was served over what the servers could have",
  async run(context) {
    const rows = new Rows(this.name);
    // The server itself and the pass-through Worker know no slots: nearly all would be rejected.
    const subjects = ["bare-lease", "through-object", "sluice", "haproxy"] as const;
    const setting = { context, name: this.name, subjects, servers: SERVERS };
    await sideBySide(setting, async (subject, servers) => {
      for (const serviceMs of SERVICE_MS) await measure(subject, servers, serviceMs, rows, context);
    });
    const bounds = { 10: 0.86, 50: 0.96 } as Record<number, number>;
    for (const serviceMs of SERVICE_MS) {
      const least = bounds[serviceMs];
      if (least) ratioTarget(rows.row(served(serviceMs)), "haproxy", { least });
      neverTarget(rows.row(rejected(serviceMs)));
    }
    return { rows: rows.all, notes: [] };
  },
};

const served = (serviceMs: number) => `${serviceMs} ms: served over the ideal`;
const rejected = (serviceMs: number) => `${serviceMs} ms: rejected by a server`;

async function measure(
  subject: Subject,
  servers: Servers,
  serviceMs: number,
  rows: Rows,
  { gear, quick }: Context,
): Promise<void> {
  const { name, pid } = subject;
  const seconds = quick ? 1 : 3;
  await servers.work(serviceMs);
  const first = await servers.counts();
  const loading = run({ url: `${subject.url}/work`, connections: 40, seconds, failuresAllowed: true }, gear);
  await sleep(MARGIN_MS);
  const cpuBefore = pid === null ? 0 : cpuSeconds(pid);
  const before = await servers.counts();
  await sleep(seconds * 1000 - 2 * MARGIN_MS);
  const after = await servers.counts();
  const cpu = pid === null ? 0 : cpuSeconds(pid) - cpuBefore;
  await loading;
  const end = await servers.untilQuiet();
  const elapsedMs = after.at - before.at;
  const count = after.served - before.served;
  const idleMs = elapsedMs * SERVERS - (after.busyMs - before.busyMs);
  rows.add(served(serviceMs), "", name, count / ((elapsedMs * SERVERS) / serviceMs), "haproxy");
  rows.add(`${serviceMs} ms: a slot's idle time between two requests`, "ms", name, idleMs / count, "haproxy");
  if (pid !== null) rows.add(`${serviceMs} ms: CPU a request`, "µs", name, (cpu / count) * 1e6, "haproxy");
  rows.add(rejected(serviceMs), "", name, end.rejected - first.rejected);
}
