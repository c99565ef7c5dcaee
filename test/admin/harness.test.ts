import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "wrangler";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { Origin } from "../support/origin.ts";
import { TOKEN } from "../support/sluice.ts";
import { BEARER } from "./support.ts";

const CONFIG = {
  configPath: `${import.meta.dirname}/../../wrangler.toml`,
  // Overrides a developer's .dev.vars.
  secrets: { ADMIN_TOKEN: TOKEN },
};

let harness: TestHarness;
let origin: Origin;
beforeAll(async () => {
  origin = await Origin.start();
  harness = createTestHarness({ workers: [CONFIG] });
  await harness.listen();
});
afterAll(async () => {
  await harness?.close();
  await origin.stop();
});

/** Resolves with `[status, JSON]`. */
async function ask(method: string, path: string, body?: object, headers: Record<string, string> = BEARER) {
  const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
  const response = await harness.fetch(`/_sluice${path}`, init);
  return [response.status, (await response.json()) as Snapshot] as const;
}

describe("wrangler.toml as it is shipped", () => {
  test("starts, and says that it works", async () => {
    expect(await ask("GET", "/healthz", undefined, {})).toEqual([200, { status: "ok" }]);
  });

  test("keeps its admin side closed to who has no token", async () => {
    expect(await ask("GET", "/api/pools", undefined, {})).toMatchObject([401, { code: "unauthorized" }]);
  });

  test("has a pool, and a place for what it must not forget", async () => {
    const [status, snapshot] = await ask("GET", "/api/pools/web");
    expect(status).toBe(200);
    expect(snapshot.servers.map(({ name }) => name)).toEqual(["web-1", "web-2"]);
    expect(await ask("GET", "/api/pools")).toEqual([200, { pools: [snapshot], unreachable: [] }]);
    const ids = await harness.getWorker().listDurableObjectIds("Pool");
    expect(ids).toHaveLength(1);
  });

  test("drains and resumes", async () => {
    const drained = await ask("POST", "/api/pools/web/drain", { owner: "deploy-42", wait: "10m" });
    expect(drained).toMatchObject([200, { state: "drained", drain: { owner: "deploy-42" } }]);
    const resumed = await ask("POST", "/api/pools/web/resume", { owner: "deploy-42" });
    expect(resumed).toMatchObject([200, { state: "running", drain: null }]);
  });
});

test("a drain outlives a deploy of Sluice with other servers, which then serve what waited", async () => {
  const [, { drain }] = await ask("POST", "/api/pools/web/drain", { owner: "deploy-43" });
  const servers = [{ name: "web-3", url: origin.url }];
  await harness.update({ workers: [{ ...CONFIG, vars: { POOLS: { web: { servers } } } }] });
  const request = harness.fetch("/page?a=b");
  await expect.poll(async () => (await ask("GET", "/api/pools/web"))[1].queued, { interval: 10 }).toBe(1);
  const drained = { state: "drained", drain, servers: [{ name: "web-3", state: "ready" }] };
  expect(await ask("GET", "/api/pools/web")).toMatchObject([200, drained]);
  expect(origin.count).toBe(0);
  expect((await ask("POST", "/api/pools/web/resume", { owner: "deploy-43" }))[0]).toBe(200);
  const arrival = await origin.arrival();
  expect(arrival.request.url).toBe("/page?a=b");
  arrival.response.end("served");
  const response = await request;
  expect([response.status, await response.text()]).toEqual([200, "served"]);
});
