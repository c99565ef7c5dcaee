import { expect, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { get, stage } from "./support.ts";

test("a pool of POOLS_2 is served, listed after those of POOLS, and drained like any", async ({
  onTestFinished,
}) => {
  const origin = await Origin.start();
  onTestFinished(() => origin.stop());
  origin.answer = (_, response) => response.end("by the second");
  const api = { path_prefix: "/api/", servers: [{ name: "api-1", url: origin.url }] };
  const { sluice } = await stage({}, { morePools: { POOLS_2: { api } } });

  expect(await get(sluice, "/api/x")).toBe("200 by the second");
  const { pools } = (await (await sluice.admin("GET", "/api/pools")).json()) as { pools: { name: string }[] };
  expect(pools.map(({ name }) => name)).toEqual(["web", "api"]);

  expect((await sluice.drain("api", { wait: "10s" })).status).toBe(200);
  const held = get(sluice, "/api/y");
  await sluice.until("api", ({ queued }) => queued === 1);
  await sluice.resume("api");
  expect(await held).toBe("200 by the second");
});
