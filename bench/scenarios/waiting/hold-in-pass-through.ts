import { HeldClient } from "../../load/held-client.ts";
import { residentKiB } from "../../measure/process-use.ts";
import { until } from "../../measure/until.ts";
import type { Servers } from "../../servers/servers.ts";
import { startPassThrough } from "../../subjects/start.ts";
import { type Context, warmUp } from "../scenario.ts";
import { BATCH, served, type Waiting } from "./clients.ts";

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
  const clients: Waiting[] = [];
  while (clients.length < count) {
    const size = Math.min(BATCH, count - clients.length);
    for (let n = 0; n < size; n++) {
      clients.push({ size: 1, answer: new HeldClient(subject.url, "/hold/", clients.length).answer });
    }
    await until(
      () => servers.counts(),
      ({ held }) => held >= clients.length,
      `${clients.length} held requests`,
    );
  }
  const memoryKiB = (residentKiB(subject.pid as number) - before) / count;
  await servers.letGo();
  const answered = await served(clients);
  if (answered !== count) throw new Error(`held ${count} requests, answered ${answered}`);
  await subject.stop();
  return memoryKiB;
}
