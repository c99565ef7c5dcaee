import { afterEach, beforeEach, expect, test } from "vitest";
import { BlackHole } from "../support/black-hole.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

let gone: BlackHole;
let origin: Origin;
beforeEach(async () => {
  gone = await BlackHole.start();
  origin = await Origin.start((request, response) => {
    request.resume();
    request.on("end", () => response.end("here"));
  });
});
afterEach(() => Promise.all([gone.stop(), origin.stop()]));

async function start(keys: Record<string, unknown>, servers: { url: string }[]): Promise<Sluice> {
  const list = servers.map(({ url }, n) => ({ name: `web-${n}`, url }));
  return Sluice.start({
    pools: { web: { balance: "first", quarantine: { max: "1h" }, servers: list, ...keys } },
  });
}

test("a host that answers no connection within connect_timeout costs a GET no more than that", async ({
  onTestFinished,
}) => {
  const sluice = await start({ connect_timeout: "2s", server_timeout: "1h" }, [gone, origin]);
  onTestFinished(() => sluice.stop());
  expect(await (await fetch(sluice.url)).text()).toBe("here");
  // Its backlog may just be full: then it is at work on what it took.
  await sluice.until("web", ({ quarantined }) => quarantined === 1);
  expect((await sluice.snapshot("web")).totals.retried).toBe(1);
});

test("a POST may have come to it, and gets 502", async ({ onTestFinished }) => {
  const sluice = await start({ connect_timeout: "2s", server_timeout: "1h" }, [gone, origin]);
  onTestFinished(() => sluice.stop());
  const response = await fetch(sluice.url, { method: "POST", body: "x" });
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([502, "bad-gateway"]);
});

test("a server that is only silent has the time of server_timeout, however short connect_timeout is", async ({
  onTestFinished,
}) => {
  const silent = await Origin.start();
  onTestFinished(() => silent.stop());
  const sluice = await start({ connect_timeout: "2s", server_timeout: "1h" }, [silent]);
  onTestFinished(() => sluice.stop());
  const answering = fetch(sluice.url);
  const { response } = await silent.arrival();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  response.end("late");
  expect(await (await answering).text()).toBe("late");
});
