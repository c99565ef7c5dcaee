import { expect, onTestFinished, test } from "vitest";
import { Connections, statuses } from "../support/connections.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

test("several slots hold as many requests as slots, and not one more", async () => {
  const origin = await Origin.start();
  onTestFinished(() => origin.stop());
  const servers = [{ name: "web-1", url: origin.url }];
  const sluice = await Sluice.start({ pools: { web: { servers, slots: 3 } } });
  onTestFinished(() => sluice.stop());
  const client = new Connections(sluice.url);
  const answers = Array.from({ length: 10 }, (_, n) => client.get(`/${n}`));
  const { inFlight } = await sluice.until("web", ({ queued }) => queued === 7);
  expect(inFlight).toBe(3);
  for (let served = 0; served < 10; served++) {
    const { response } = await origin.arrival();
    expect(origin.count).toBeLessThanOrEqual(served + 3);
    response.end();
  }
  expect(statuses(await Promise.all(answers))).toEqual({ 200: 10 });
  client.close();
});
