import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { problemOf, stage } from "./support.ts";

const TOKENS = { ci: ["look", "drain", "servers"], boss: ["look", "drain", "servers", "slots"] };
const tokenOf = (name: string) => `the-token-of-${name}-which-is-long`;
const texts = {
  ADMIN_TOKENS: JSON.stringify(
    Object.fromEntries(
      Object.entries(TOKENS).map(([name, may]) => {
        const sha256 = createHash("sha256").update(tokenOf(name)).digest("hex");
        return [name, { sha256, may }];
      }),
    ),
  ),
};

const read = async (response: Response) => ({
  status: response.status,
  ...((await response.json()) as Snapshot),
});

describe("a drain with a cut", () => {
  test("is drained after its time, although a request hangs; its client is told, and the slot stays closed", async () => {
    const { sluice, origin } = await stage({ quarantine: { max: "1h" } });
    const hung = fetch(sluice.url);
    await origin.arrival();
    const drained = await read(await sluice.drain("web", { cut: "2s", wait: "10m" }));
    expect(drained).toMatchObject({
      ...{ status: 200, state: "drained", inFlight: 1, quarantined: 1 },
      drain: { cut: { done: true } },
    });
    await problemOf(await hung, 504, "cut-off");
    await sluice.resume("web");
    const next = fetch(sluice.url);
    const { servers, inFlight } = await sluice.until("web", ({ queued }) => queued === 1);
    expect([inFlight, origin.count]).toEqual([1, 1]);
    // Somebody knows that the server has restarted.
    await sluice.admin("DELETE", `/api/pools/web/leases/${servers[0]?.leases[0]?.id}`);
    (await origin.arrival()).response.end("served");
    expect(await (await next).text()).toBe("served");
  });

  test("is drained after its time though the pool's object crashes meanwhile", async () => {
    const { sluice, origin } = await stage({ quarantine: { max: "1h" } });
    const hung = fetch(sluice.url);
    await origin.arrival();
    const draining = sluice.drain("web", { cut: "500ms", wait: "10m" });
    await sluice.until("web", ({ state }) => state === "draining");
    await sluice.crash("web");
    expect(await read(await draining)).toMatchObject({ status: 200, state: "drained" });
    await problemOf(await hung, 504, "cut-off");
  });

  test("cuts off nothing that finishes in time", async () => {
    const { sluice, origin } = await stage();
    const request = fetch(sluice.url);
    const { response } = await origin.arrival();
    const draining = sluice.drain("web", { cut: "10m", wait: "10m" });
    await sluice.until("web", ({ state }) => state === "draining");
    response.end("finished");
    const { drain, state } = await read(await draining);
    expect([state, drain?.cut?.done, await (await request).text()]).toEqual(["drained", false, "finished"]);
  });
});

test("a stop with a cut is stopped after its time", async () => {
  const { sluice, origin } = await stage({ quarantine: { max: "1h" } });
  const hung = fetch(sluice.url);
  await origin.arrival();
  const stopped = await read(await sluice.stopPool("web", { cut: "200ms", wait: "10m" }));
  expect(stopped).toMatchObject({ status: 200, state: "stopped", quarantined: 1 });
  await problemOf(await hung, 504, "cut-off");
});

test("a server that is taken out with a cut has nothing in flight after its time but what was cut off", async () => {
  const { sluice, origin } = await stage({ quarantine: { max: "1h" } });
  const hung = fetch(sluice.url);
  await origin.arrival();
  const patch = (body: object) => sluice.admin("PATCH", "/api/pools/web/servers/web-1", body);
  const { servers } = await read(await patch({ state: "drain", cut: "200ms" }));
  expect(servers[0]).toMatchObject({ inFlight: 1, quarantined: 0, cut: { done: false } });
  const after = await sluice.until("web", ({ servers: [server] }) => server?.cut?.done === true);
  expect(after).toMatchObject({ state: "running", servers: [{ inFlight: 1, quarantined: 1 }] });
  await problemOf(await hung, 504, "cut-off");
  expect((await read(await patch({ state: "ready" }))).servers[0]?.cut).toBeUndefined();
});

describe("to cut requests off", () => {
  const ROUTES = [
    ["POST", "/drain", {}],
    ["POST", "/stop", {}],
    ["PATCH", "/servers/web-1", { state: "maint" }],
  ] as const;

  test.each(ROUTES)("takes the right to free slots: %s %s", async (method, path, body) => {
    const { sluice } = await stage({}, { texts });
    const ask = (name: string, more: object) =>
      sluice.admin(method, `/api/pools/web${path}`, { ...body, ...more }, tokenOf(name));
    const { right } = await problemOf(await ask("ci", { cut: "1s" }), 403, "forbidden");
    expect(right).toBe("slots");
    expect(await sluice.snapshot("web")).toMatchObject({ state: "running", servers: [{ state: "ready" }] });
    expect((await ask("ci", {})).status).toBe(200);
    expect((await sluice.admin("POST", "/api/pools/web/resume", { force: true })).status).toBe(200);
    expect((await ask("boss", { cut: "1s" })).status).toBe(200);
  });
});
