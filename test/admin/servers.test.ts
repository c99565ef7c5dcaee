import { describe, expect, onTestFinished, test } from "vitest";
import type { ServerSnapshot, Snapshot } from "../../src/scheduler/snapshot.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { get, problemOf, stage } from "./support.ts";

function patch(sluice: Sluice, server: string, body: unknown): Promise<Response> {
  return sluice.admin("PATCH", `/api/pools/web/servers/${server}`, body);
}

/** Patches a server, and returns it from the answer's snapshot. */
async function change(sluice: Sluice, server: string, body: object): Promise<ServerSnapshot | undefined> {
  const response = await patch(sluice, server, body);
  expect(response.status).toBe(200);
  const { servers } = (await response.json()) as Snapshot;
  return servers.find(({ name }) => name === server);
}

describe.each(["drain", "maint"])("a server in %s", (state) => {
  test("finishes what is in flight, takes nothing new, and works again once it is ready", async () => {
    const { sluice, origin } = await stage();
    const first = get(sluice, "/1");
    const { response } = await origin.arrival();
    expect(await change(sluice, "web-1", { state })).toMatchObject({ state, inFlight: 1, slots: 1 });
    const second = get(sluice, "/2");
    await sluice.until("web", ({ queued }) => queued === 1);
    response.end("finished");
    expect(await first).toBe("200 finished");
    const idle = await sluice.until("web", ({ inFlight }) => inFlight === 0);
    // The pool is not drained.
    expect(idle).toMatchObject({ state: "running", queued: 1 });
    expect(origin.count).toBe(1);
    expect(await change(sluice, "web-1", { state: "ready" })).toMatchObject({ state: "ready" });
    const next = await origin.arrival();
    expect(next.request.url).toBe("/2");
    next.response.end("served");
    expect(await second).toBe("200 served");
  });

  test("leaves the work to the others", async () => {
    const { sluice, origins } = await pair();
    await change(sluice, "web-1", { state });
    for (let i = 0; i < 4; i++) expect(await get(sluice, "/")).toBe("200 web-2");
    await change(sluice, "web-1", { state: "ready" });
    await change(sluice, "web-2", { state });
    for (let i = 0; i < 4; i++) expect(await get(sluice, "/")).toBe("200 web-1");
    expect(origins.map(({ count }) => count)).toEqual([4, 4]);
  });

  test("stays so through a crash of the pool's object", async () => {
    const { sluice } = await pair();
    await change(sluice, "web-1", { state, slots: 3, weight: 7 });
    await sluice.crash("web");
    const { servers, slots } = await sluice.snapshot("web");
    expect(servers[0]).toMatchObject({ state, slots: 3, weight: 7 });
    expect(servers[1]).toMatchObject({ state: "ready", slots: 1, weight: 1 });
    expect(slots).toBe(4);
    expect(await get(sluice, "/")).toBe("200 web-2");
  });

  test("and a drain of the pool are separate: neither touches the other", async () => {
    const { sluice } = await pair();
    await change(sluice, "web-1", { state });
    await sluice.drain("web");
    expect((await sluice.snapshot("web")).servers.map((server) => server.state)).toEqual([state, "ready"]);
    await change(sluice, "web-2", { state });
    await change(sluice, "web-1", { state: "ready" });
    const request = get(sluice, "/");
    await sluice.until("web", ({ queued }) => queued === 1);
    expect(await sluice.snapshot("web")).toMatchObject({ state: "drained", queued: 1 });
    await sluice.resume("web");
    expect(await request).toBe("200 web-1");
    expect((await sluice.snapshot("web")).servers.map((server) => server.state)).toEqual(["ready", state]);
  });
});

/** Two servers that answer with their names. */
async function pair(): Promise<{ sluice: Sluice; origins: Origin[] }> {
  const names = ["web-1", "web-2"];
  const origins = await Promise.all(names.map((name) => Origin.start((_, response) => response.end(name))));
  const servers = names.map((name, index) => ({ name, url: origins[index]?.url }));
  const sluice = await Sluice.start({ pools: { web: { servers } } });
  onTestFinished(() => sluice.stop());
  for (const origin of origins) onTestFinished(() => origin.stop());
  return { sluice, origins };
}

test("a weight decides the shares of the next requests", async () => {
  const { sluice, origins } = await pair();
  expect(await change(sluice, "web-2", { weight: 3 })).toMatchObject({ weight: 3, state: "ready", slots: 1 });
  for (let i = 0; i < 8; i++) await get(sluice, "/");
  expect(origins.map(({ count }) => count)).toEqual([2, 6]);
});

test("each change leaves the others as they are, and none changes nothing", async () => {
  const { sluice } = await stage();
  await change(sluice, "web-1", { state: "drain" });
  await change(sluice, "web-1", { slots: 5 });
  await change(sluice, "web-1", { weight: 9 });
  expect(await change(sluice, "web-1", {})).toMatchObject({ state: "drain", slots: 5, weight: 9 });
});

describe("a change with a condition", () => {
  const TAKE = { state: "drain", ifState: "ready", owner: "roll-1" };

  test("is made in that state, and in another one refused: it says which, and nothing is changed", async () => {
    const { sluice } = await stage();
    expect(await change(sluice, "web-1", TAKE)).toMatchObject({ state: "drain" });
    const before = await sluice.snapshot("web");
    const other = { ...TAKE, owner: "roll-2", weight: 7 };
    const { detail } = await problemOf(await patch(sluice, "web-1", other), 409, "state-changed");
    expect(detail).toBe('The server web-1 is in state "drain".');
    await problemOf(await patch(sluice, "web-1", { state: "drain", ifState: "ready" }), 409, "state-changed");
    expect(await sluice.snapshot("web")).toEqual(before);
  });

  test("is done when the same owner repeats it, also after a crash of the pool's object", async () => {
    const { sluice } = await stage();
    await change(sluice, "web-1", TAKE);
    expect(await change(sluice, "web-1", TAKE)).toMatchObject({ state: "drain" });
    await sluice.crash("web");
    expect(await change(sluice, "web-1", TAKE)).toMatchObject({ state: "drain" });
  });

  test("is not done by the same owner any more once somebody else has given the server that state", async () => {
    const { sluice } = await stage();
    await change(sluice, "web-1", TAKE);
    await change(sluice, "web-1", { state: "ready" });
    await change(sluice, "web-1", { state: "drain" });
    await problemOf(await patch(sluice, "web-1", TAKE), 409, "state-changed");
  });

  test("stays its owner's while something else than the state is changed", async () => {
    const { sluice } = await stage();
    await change(sluice, "web-1", TAKE);
    await change(sluice, "web-1", { weight: 3 });
    expect(await change(sluice, "web-1", TAKE)).toMatchObject({ state: "drain", weight: 3 });
  });
});

test.each(["unknown", "web-2", "WEB-1", "__proto__", "constructor"])(
  "the unknown server %s is a 404, and nothing is changed",
  async (name) => {
    const { sluice } = await stage();
    const before = await sluice.snapshot("web");
    const problem = await problemOf(await patch(sluice, name, { state: "maint" }), 404, "unknown-server");
    expect(problem.detail).toContain("web");
    expect(await sluice.snapshot("web")).toEqual(before);
  },
);
