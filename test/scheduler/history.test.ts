import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { comeToRest, configOf, histories, play, takenInAndEnded } from "./histories.ts";
import { World } from "./world.ts";

describe("whatever happens, in whatever order", () => {
  test("no server has more requests than slots, no flow more slots than it may, nothing is granted in a drain, nobody waits in a stop or holds a slot after a cut, nobody of a flow is overtaken or answered twice", () => {
    fc.assert(
      fc.property(histories, ({ config, events }) => {
        const world = new World(configOf({ config }));
        for (const event of events) play(world, event);
      }),
      { numRuns: 2_200 },
    );
  });

  test("at the end every ticket was answered, every slot is back and the totals add up, through restarts", () => {
    fc.assert(
      fc.property(histories, ({ config, events }) => {
        const world = new World(configOf({ config }));
        for (const event of events) play(world, event, true);
        world.calmDown();
        comeToRest(world, config % 2 === 1);
        const [takenIn, ended] = takenInAndEnded(world);
        expect(ended).toBe(takenIn + world.countedTwice);
      }),
      { numRuns: 1_000 },
    );
  });

  test("after crashes at any moment every ticket is answered and every slot back, too; the totals miss no more than what was not on record, and who waited", () => {
    fc.assert(
      fc.property(histories, ({ config, events }) => {
        const world = new World(configOf({ config }));
        for (const event of events) play(world, event);
        comeToRest(world, config % 2 === 1);
        const [takenIn, ended] = takenInAndEnded(world);
        expect(Math.abs(ended - takenIn - world.countedTwice)).toBeLessThanOrEqual(world.lostCounts);
      }),
      { numRuns: 1_000 },
    );
  });

  test("what a scrape was told never falls, through crashes, and what is told is on record and true", () => {
    fc.assert(
      fc.property(histories, ({ config, events }) => {
        const world = new World(configOf({ config }));
        for (const event of events) {
          play(world, event);
          world.checkEvents();
          world.checkCounts();
          if (event.what === "restart" || event.what === "crash") world.scrape();
        }
      }),
      { numRuns: 200 },
    );
  });
});
