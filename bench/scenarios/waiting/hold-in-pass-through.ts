import { HeldClient } from "../../load/held-client.ts";
import { residentKiB } from "../../measure/process-use.ts";
import type { Servers } from "../../servers/servers.ts";
import { startPassThrough } from "../../subjects/start.ts";
import { type Context, warmUp } from "../scenario.ts";
import { BATCH, statuses } from "./clients.ts";

/** KiB of memory for each request that waits for its answer in the pass-through Worker. */
export async function holdInPassThrough(
  count: number,
  servers: Servers,
  { gear, ...context }: Context,
): Promise<number> {
  const subject = await startPassThrough(servers.urls[0] as string, gear.bundles);
  await warmUp(subject, { gear, ...context });
  await servers.hold();
  const before = residentKiB(subject.pid as number);
  const clients: HeldClient[] = [];
  while (clients.length < count) {
    const size = Math.min(BATCH, count - clients.length);
    for (let n = 0; n < size; n++) clients.push(new HeldClient(subject.url, "/hold/", clients.length));
    while ((await servers.counts()).held < clients.length);
  }
  const memoryKiB = (residentKiB(subject.pid as number) - before) / count;
  await servers.letGo();
  const answers = await statuses(clients);
  if (answers.get(200) !== count) throw new Error(`held ${count}, answered ${JSON.stringify([...answers])}`);
  await subject.stop();
  return memoryKiB;
}
