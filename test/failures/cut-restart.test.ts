import { once } from "node:events";
import { expect, test } from "vitest";
import { send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage({ web: { slots: 1, quarantine: { max: "1ms" } } }, { bundle: "test" });

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("a request whose pool's object has restarted learns of its cut when it renews its lease, and nobody has its slot before", async () => {
  const first = send(stage.sluice.url);
  const { request } = await stage.origin.arrival();
  const closed = once(request.socket, "close").then(() => "closed");
  // It has a handle by then, which the restart breaks.
  await pause(1_500);
  await stage.sluice.crash("web");
  expect((await stage.sluice.drain("web", { cut: "0s", wait: "30s" })).status).toBe(200);
  await stage.sluice.resume("web");
  const second = send(stage.sluice.url);
  const arrived = stage.origin.arrival();
  expect(await Promise.race([closed, arrived])).toBe("closed");
  const { status, body } = await first;
  expect([status, JSON.parse(String(body)).code]).toEqual([504, "cut-off"]);
  (await arrived).response.end("served");
  expect(String((await second).body)).toBe("served");
}, 40_000);
