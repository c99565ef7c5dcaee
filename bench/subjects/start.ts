import type { Gear } from "../measure/gear.ts";
import type { Servers } from "../servers/servers.ts";
import type { BundleName, Bundles } from "./bundles.ts";
import { startHaproxy } from "./haproxy.ts";
import { startSluice } from "./sluice.ts";
import type { Subject, SubjectName } from "./subject.ts";
import { Workerd, withIsolates } from "./workerd.ts";

export interface StartOptions {
  /** Further keys of Sluice's pool. */
  pool?: Record<string, unknown>;
  /** Of Sluice and the leases: how many isolates stand before the one object. */
  isolates?: number;
  /** Sluice and the leases with all counted that they send and write: not for a measurement of time. */
  counted?: boolean;
}

/** Starts these subjects in front of the same servers; HAProxy only where it is installed. */
export async function startSubjects(
  names: readonly SubjectName[],
  servers: Servers,
  gear: Gear,
  options: StartOptions = {},
): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const name of names) {
    if (name === "haproxy" && !gear.haproxy) continue;
    subjects.push(await start(name, servers.urls, gear.bundles, options));
  }
  return subjects;
}

function start(
  name: SubjectName,
  servers: string[],
  bundles: Bundles,
  options: StartOptions,
): Promise<Subject> {
  const first = servers[0] as string;
  switch (name) {
    case "direct":
      return Promise.resolve({ name, url: first, urls: [first], pid: null, stop: async () => {} });
    case "pass-through":
      return startPassThrough(first, bundles);
    case "bare-lease":
    case "pass-on":
      return startObject(
        name,
        options.counted ? `counted-${name}` : name,
        "Slots",
        servers,
        bundles,
        options,
      );
    case "pass-on-duties":
      return startObject(name, name, "Slots", servers, bundles, options);
    case "through-object":
      return startObject(name, name, "Counter", servers, bundles, options);
    case "sluice":
      return startSluice(servers, bundles, { ...options, bundle: options.counted ? "counted" : "sluice" });
    case "haproxy":
      return startHaproxy(servers);
    case "other":
      throw new Error("another bundle is started as Sluice is");
  }
}

export async function startPassThrough(server: string, bundles: Bundles): Promise<Subject> {
  const worker = { bundle: bundles["pass-through"], outbound: new URL(server).host };
  const workerd = await Workerd.start({ main: worker });
  const url = workerd.url("main");
  return { name: "pass-through", url, urls: [url], pid: workerd.pid, stop: () => workerd.stop() };
}

async function startObject(
  name: "bare-lease" | "pass-on" | "pass-on-duties" | "through-object",
  bundle: BundleName,
  className: string,
  servers: string[],
  bundles: Bundles,
  { isolates = 1 }: StartOptions,
): Promise<Subject> {
  const workers = withIsolates({ bundle: bundles[bundle], className, json: { SERVERS: servers } }, isolates);
  const workerd = await Workerd.start(workers);
  const urls = Object.keys(workers).map((worker) => workerd.url(worker));
  return { name, url: workerd.url("main"), urls, pid: workerd.pid, stop: () => workerd.stop() };
}
