import { afterAll, beforeAll, beforeEach } from "vitest";
import { Origin } from "./origin.ts";
import { Sluice, type SluiceOptions } from "./sluice.ts";

export interface Stage {
  sluice: Sluice;
  origin: Origin;
}

/** Room for tests that do not care who else is in flight. */
export const ROOMY = { web: { slots: 100 } };

/**
 * Sluice before one origin, for all tests of a file. `pools` by name, each with its keys besides the one server,
 * "web-1"; a pool that is not named `web` serves the host `<name>.test` only.
 */
export function useStage(
  pools: Record<string, Record<string, unknown>> = ROOMY,
  options: Omit<SluiceOptions, "pools"> = { bundle: "production" },
): Stage {
  const stage = {} as Stage;
  beforeAll(async () => {
    stage.origin = await Origin.start();
    const servers = [{ name: "web-1", url: stage.origin.url }];
    const tables = Object.entries(pools).map(([name, keys]) => {
      const hosts = [name === "web" ? "*" : `${name}.test`];
      return [name, { hosts, servers, ...keys }] as const;
    });
    stage.sluice = await Sluice.start({ ...options, pools: Object.fromEntries(tables) });
  });
  // What an earlier test left behind must not fail the next one too.
  beforeEach(() => stage.origin.reset());
  afterAll(async () => {
    await stage.sluice?.stop();
    await stage.origin?.stop();
  });
  return stage;
}
