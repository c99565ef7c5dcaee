import { readFileSync } from "node:fs";
import http from "node:http";
import { gzipSync } from "node:zlib";
import { cpuMsOfThreads } from "../measure/process-use.ts";
import { median } from "../measure/statistics.ts";
import { Rows } from "../rows.ts";
import { now } from "../servers/clock.ts";
import { Servers } from "../servers/servers.ts";
import { startSluice } from "../subjects/sluice.ts";
import { startSubjects } from "../subjects/start.ts";
import type { Context, Scenario } from "./scenario.ts";

const SUBJECTS = ["pass-through", "through-object", "sluice"] as const;
const COLD_OBJECTS = 5;

export const start: Scenario = {
  name: "start",
  about: "a new process, a new object in a running one, and what is uploaded",
  async run(context) {
    const rows = new Rows(this.name);
    const servers = await Servers.start(10);
    for (let round = 1; round <= context.rounds; round++) {
      context.progress(`${this.name}, round ${round} of ${context.rounds}`);
      await startProcesses(servers, rows, context);
      await startObjects(servers, rows, context);
    }
    await servers.stop();
    for (const name of SUBJECTS) {
      const bundle = readFileSync(context.gear.bundles[name]);
      rows.add("bundle", "KiB", name, bundle.length / 1024);
      rows.add("bundle, gzip", "KiB", name, gzipSync(bundle).length / 1024);
    }
    return { rows: rows.all, notes: [] };
  },
};

async function startProcesses(servers: Servers, rows: Rows, { gear }: Context): Promise<void> {
  for (const name of SUBJECTS) {
    const since = now();
    const [subject] = await startSubjects([name], servers, gear);
    if (!subject) throw new Error(`${name} did not start`);
    await answered(subject.url, "bench");
    rows.add("process to first answer", "ms", name, now() - since, "pass-through");
    const cpuMs = cpuMsOfThreads(subject.pid as number);
    rows.add("CPU up to the first answer", "ms", name, cpuMs, "pass-through");
    await subject.stop();
  }
}

async function startObjects(servers: Servers, rows: Rows, { gear }: Context): Promise<void> {
  const hosts = Array.from({ length: COLD_OBJECTS }, (_, n) => `cold-${n}.example`);
  const sluice = await startSluice(servers.urls, gear.bundles, { hosts });
  // The isolate and its configuration are read by then; the object of each further host is not.
  for (let n = 0; n < 20; n++) await answered(sluice.url, "bench");
  const times: number[] = [];
  for (const host of hosts) {
    const since = now();
    await answered(sluice.url, host);
    times.push(now() - since);
  }
  rows.add("cold object to first answer", "ms", "sluice", median(times));
  await sluice.stop();
}

function answered(url: string, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.get(`${url}/`, { headers: { Host: host }, agent: false }, (response) => {
      response.resume();
      response.on("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${host} at ${url} answered ${response.statusCode}`));
      });
    });
    request.on("error", reject);
  });
}
