import { onTestFinished } from "vitest";
import type { Sluice } from "../../support/sluice.ts";
import { Watcher } from "../../support/watcher.ts";

/** Watches the pool `web` until the test ends. `lastId`: sent as `Last-Event-ID`. */
export async function watch(sluice: Sluice, lastId?: number | string): Promise<Watcher> {
  const headers = lastId === undefined ? {} : { "Last-Event-ID": lastId };
  const watcher = await Watcher.start(sluice.url, "web", headers);
  onTestFinished(() => watcher.leave());
  return watcher;
}

export const ids = (watcher?: Watcher) => watcher?.events.map(({ id }) => id);
export const kinds = ({ events }: Watcher) => events.map(({ kind }) => kind);

/** Makes three events: an idle pool is drained at once. */
export async function drainAndResume(sluice: Sluice, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    await sluice.drain("web", { reason: `drain ${n}` });
    await sluice.resume("web");
  }
}
