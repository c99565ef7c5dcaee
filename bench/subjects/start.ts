import type { Gear } from "../measure/gear.ts";
import type { Servers } from "../servers/servers.ts";
import type { Bundles } from "./bundles.ts";
import { startHaproxy } from "./haproxy.ts";
import { startSluice } from "./sluice.ts";
import type { Subject, SubjectName } from "./subject.ts";
import { Workerd } from "./workerd.ts";

/** Starts these subjects in front of the same servers; HAProxy only where it is installed. `pool`: keys of Sluice's. */
export async function startSubjects(
  names: readonly SubjectName[],
  servers: Servers,
  gear: Gear,
  pool: Record<string, unknown> = {},
): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const name of names) {
    if (name === "haproxy" && !gear.haproxy) continue;
    subjects.push(await start(name, servers.urls, gear.bundles, pool));
  }
  return subjects;
}

function start(
  name: SubjectName,
  servers: string[],
  bundles: Bundles,
  pool: Record<string, unknown>,
): Promise<Subject> {
  const first = servers[0] as string;
  switch (name) {
    case "direct":
      return Promise.resolve({ name, url: first, pid: null, stop: async () => {} });
    case "pass-through":
      return startPassThrough(first, bundles);
    case "bare-lease":
      return startObject("bare-lease", "Slots", servers, bundles);
    case "through-object":
      return startObject("through-object", "Counter", servers, bundles);
    case "sluice":
      return startSluice(servers, bundles, { pool });
    case "haproxy":
      return startHaproxy(servers);
  }
}

export async function startPassThrough(server: string, bundles: Bundles): Promise<Subject> {
  const worker = { bundle: bundles["pass-through"], outbound: new URL(server).host };
  const workerd = await Workerd.start({ main: worker });
  return { name: "pass-through", url: workerd.url("main"), pid: workerd.pid, stop: () => workerd.stop() };
}

async function startObject(
  name: "bare-lease" | "through-object",
  className: string,
  servers: string[],
  bundles: Bundles,
): Promise<Subject> {
  const workerd = await Workerd.start({
    main: { bundle: bundles[name], className, json: { SERVERS: servers } },
  });
  return { name, url: workerd.url("main"), pid: workerd.pid, stop: () => workerd.stop() };
}
