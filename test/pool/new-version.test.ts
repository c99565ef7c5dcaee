import { afterEach, describe, expect, test } from "vitest";
import { SingleFlightServer } from "../../demo/single-flight.ts";
import { Connections } from "../support/connections.ts";
import { Sluice } from "../support/sluice.ts";
import { Watcher } from "../support/watcher.ts";

let sluice: Sluice;
const servers: SingleFlightServer[] = [];
afterEach(async () => {
  await sluice.stop();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function server(name: string, serviceMs: number): Promise<SingleFlightServer> {
  const one = new SingleFlightServer({ name, serviceMs });
  await one.start();
  servers.push(one);
  return one;
}

const listed = (...list: SingleFlightServer[]) => list.map(({ name, url }) => ({ name, url }));

/** The whole runtime dies, with every request in it, and a new configuration comes up on the old storage. */
async function redeploy(keys: Record<string, unknown>): Promise<void> {
  const folder = await sluice.stopKeepingStorage();
  sluice = await Sluice.start({ pools: { web: keys }, folder });
}

describe("a pool that comes up with a new configuration", () => {
  test("knows its drain, its servers' states and which slots were taken", async () => {
    const a = await server("a", 60_000);
    const b = await server("b", 60_000);
    const keys = { servers: listed(a, b), balance: "first" };
    sluice = await Sluice.start({ pools: { web: keys } });
    const client = new Connections(sluice.url);
    client.get("/").catch(() => {});
    await sluice.until("web", (snapshot) => snapshot.inFlight === 1);
    await sluice.admin("PATCH", "/api/pools/web/servers/b", { state: "maint", weight: 5 });
    await sluice.drain("web", { owner: "deploy-42", reason: "v2", expires: "1h" });
    const before = await sluice.snapshot("web");

    await redeploy({ ...keys, slots: 2 });
    const after = await sluice.snapshot("web");
    client.close();

    expect(after.drain).toEqual(before.drain);
    expect(after.state).toBe("draining");
    expect(after.servers[1]).toMatchObject({ name: "b", state: "maint", weight: 5 });
    // Nobody has said yet which request has it.
    const taken = before.servers[0]?.leases.map((lease) => ({ ...lease, id: `${lease.id}.restarted` }));
    expect(after.servers[0]?.leases).toEqual(taken);
    expect(after.slots).toBe(4);
  });

  test("gives the slot of a lost request to nobody before the server may be idle again", async () => {
    const a = await server("a", 60_000);
    const keys = { servers: listed(a) };
    sluice = await Sluice.start({ pools: { web: keys } });
    const client = new Connections(sluice.url);
    client.get("/lost").catch(() => {});
    await sluice.until("web", (snapshot) => snapshot.inFlight === 1);
    await redeploy(keys);

    const again = new Connections(sluice.url);
    const answer = again.get("/next");
    await sluice.until("web", (snapshot) => snapshot.queued === 1);
    const [lease] = (await sluice.snapshot("web")).servers[0]?.leases ?? [];
    // The operator knows that the server was restarted too.
    a.serviceMs = 1;
    await a.stop();
    await a.start();
    await sluice.admin("DELETE", `/api/pools/web/leases/${lease?.id}`);
    expect((await answer).status).toBe(200);
    expect(a.rejected).toBe(0);
    client.close();
    again.close();
  });

  test("gives a server under its new name nothing while it is at work under its former one", async () => {
    const a = await server("a", 60_000);
    sluice = await Sluice.start({ pools: { web: { servers: listed(a) } } });
    const client = new Connections(sluice.url);
    client.get("/").catch(() => {});
    await sluice.until("web", (snapshot) => snapshot.inFlight === 1);
    await redeploy({ servers: [{ name: "renamed", url: a.url }] });
    client.close();

    const again = new Connections(sluice.url);
    again.get("/next").catch(() => {});
    const { servers } = await sluice.until("web", (snapshot) => snapshot.queued === 1);
    expect(servers.map(({ name, inFlight }) => [name, inFlight])).toEqual([["renamed", 1]]);
    expect(a.rejected).toBe(0);
    again.close();
  });

  test("lets a server that left the configuration finish, and gives it nothing new", async () => {
    const old = await server("old", 60_000);
    const fresh = await server("fresh", 1);
    sluice = await Sluice.start({ pools: { web: { servers: listed(old) } } });
    const client = new Connections(sluice.url);
    client.get("/").catch(() => {});
    await sluice.until("web", (snapshot) => snapshot.inFlight === 1);
    await redeploy({ servers: listed(fresh) });
    client.close();

    const snapshot = await sluice.snapshot("web");
    expect(snapshot.servers.map(({ name, inFlight, slots }) => ({ name, inFlight, slots }))).toEqual([
      { name: "fresh", inFlight: 0, slots: 1 },
      { name: "old", inFlight: 1, slots: 0 },
    ]);
    const again = new Connections(sluice.url);
    expect((await again.get("/")).headers["x-served-by"]).toBe("fresh");
    again.close();
    const lease = snapshot.servers[1]?.leases[0]?.id;
    await sluice.admin("DELETE", `/api/pools/web/leases/${lease}`);
    const after = await sluice.until("web", ({ servers }) => servers.length === 1);
    expect(after.servers[0]?.name).toBe("fresh");
  });
});

test("a drain ends when it is due in a pool that nobody has asked since the runtime went", async () => {
  const keys = { servers: listed(await server("a", 1)) };
  sluice = await Sluice.start({ pools: { web: keys } });
  await sluice.drain("web", { expires: "1500ms" });
  const expiresAt = (await sluice.snapshot("web")).drain?.expiresAt ?? "";
  await redeploy(keys);
  // A runtime that was slow to come back still has to be given its moment.
  const leftMs = Math.max(0, Date.parse(expiresAt) - Date.now());
  await new Promise((resolve) => setTimeout(resolve, leftMs + 1_000));
  const askedAt = Date.now();
  const watcher = await Watcher.start(sluice.url);
  const { at, ...resume } = await watcher.event("resume");
  watcher.leave();
  expect(resume).toMatchObject({ cause: "expired" });
  expect(Date.parse(at)).toBeGreaterThanOrEqual(Date.parse(expiresAt));
  expect(Date.parse(at)).toBeLessThan(askedAt);
});
