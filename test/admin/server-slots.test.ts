import { describe, expect, test } from "vitest";
import type { Arrival, Origin } from "../support/origin.ts";
import type { Sluice } from "../support/sluice.ts";
import { get, stage } from "./support.ts";

async function setSlots(sluice: Sluice, slots: number): Promise<void> {
  const response = await sluice.admin("PATCH", "/api/pools/web/servers/web-1", { slots });
  expect(response.status).toBe(200);
}

/** Sends `count` requests: `slots` of them get to the origin, the others wait. */
async function crowd(sluice: Sluice, origin: Origin, count: number, slots: number) {
  const requests: Promise<string>[] = [];
  const atWork: Arrival[] = [];
  for (let i = 0; i < count; i++) {
    requests.push(get(sluice, `/${i}`));
    if (i < slots) atWork.push(await origin.arrival());
  }
  await sluice.until("web", ({ queued }) => queued === count - slots);
  return { requests, atWork };
}

describe("slots changed at run time", () => {
  test("upwards: those who wait go at once", async () => {
    const { sluice, origin } = await stage();
    const { requests, atWork } = await crowd(sluice, origin, 4, 1);
    await setSlots(sluice, 3);
    atWork.push(await origin.arrival(), await origin.arrival());
    expect(await sluice.snapshot("web")).toMatchObject({ inFlight: 3, queued: 1, slots: 3 });
    atWork[1]?.response.end();
    atWork.push(await origin.arrival());
    for (const { response } of atWork) response.end();
    await Promise.all(requests);
  });

  test.each([
    ["in the order in which they began", [0, 1, 2]],
    ["in the opposite order", [2, 1, 0]],
    ["the middle one first", [1, 0, 2]],
  ])(
    "downwards: what is in flight finishes, %s, and there are never more than slots again",
    async (_, order) => {
      const { sluice, origin } = await stage({ slots: 3 });
      const { requests, atWork } = await crowd(sluice, origin, 5, 3);
      await setSlots(sluice, 1);
      expect(await sluice.snapshot("web")).toMatchObject({ inFlight: 3, queued: 2, slots: 1 });
      for (const [finished, index] of order.entries()) {
        // Until the last of them is done, the server has no slot to spare.
        expect(origin.count).toBe(3);
        atWork[index]?.response.end("finished");
        if (finished < 2) await sluice.until("web", ({ totals }) => totals.completed === finished + 1);
      }
      for (let left = 2; left > 0; left--) {
        const { response } = await origin.arrival();
        // The pool hears a little later of a lease that was passed on.
        expect(await sluice.until("web", ({ queued }) => queued === left - 1)).toMatchObject({ inFlight: 1 });
        response.end("finished");
      }
      expect(new Set(await Promise.all(requests))).toEqual(new Set(["200 finished"]));
    },
  );

  test("downwards and up again while requests are in flight: none is counted twice", async () => {
    const { sluice, origin } = await stage({ slots: 2 });
    const { requests, atWork } = await crowd(sluice, origin, 5, 2);
    for (const slots of [1, 2, 1, 2, 3]) await setSlots(sluice, slots);
    atWork.push(await origin.arrival());
    expect(await sluice.snapshot("web")).toMatchObject({ inFlight: 3, queued: 2, slots: 3 });
    expect(origin.count).toBe(3);
    for (const { response } of atWork) response.end();
    for (let i = 0; i < 2; i++) (await origin.arrival()).response.end();
    await Promise.all(requests);
    expect(await sluice.until("web", ({ inFlight }) => inFlight === 0)).toMatchObject({
      queued: 0,
      slots: 3,
    });
  });

  test("survive a crash of the pool's object, and so do the leases beyond them", async () => {
    const { sluice, origin } = await stage({ slots: 3 });
    const { requests, atWork } = await crowd(sluice, origin, 5, 3);
    await setSlots(sluice, 1);
    await sluice.crash("web");
    const restored = await sluice.until("web", ({ queued }) => queued === 2);
    expect(restored).toMatchObject({ inFlight: 3, slots: 1 });
    // One more, for a test that the pool's object still grants slots.
    await setSlots(sluice, 4);
    atWork.push(await origin.arrival());
    await setSlots(sluice, 1);
    for (const [index, { response }] of atWork.entries()) {
      expect(origin.count).toBe(4);
      response.end("finished");
      if (index < 3) await sluice.until("web", ({ inFlight }) => inFlight === 3 - index, 2_000);
    }
    (await origin.arrival()).response.end("finished");
    expect(new Set(await Promise.all(requests))).toEqual(new Set(["200 finished"]));
  });
});
