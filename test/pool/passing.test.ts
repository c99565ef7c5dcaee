import { afterEach, describe, expect, test } from "vitest";
import type { SingleFlightServer } from "../../demo/single-flight.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { type Answer, Connections, statuses } from "../support/connections.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

const paths = (count: number) => Array.from({ length: count }, (_, n) => `/${n}`);
const totals = async () => (await pool.sluice.snapshot("web")).totals;

/** So many clients, each with its next request as soon as it has its answer, until `count` were sent. */
async function load(urls: readonly string[], clients: number, count: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  let sent = 0;
  const all = Array.from({ length: clients }, async (_, n) => {
    const client = new Connections(urls[n % urls.length] as string, 1);
    while (sent < count) answers.push(await client.get(`/${sent++}`));
    client.close();
  });
  await Promise.all(all);
  return answers;
}

/** How many requests have begun at these servers once those have arrived that have a slot. */
function mostBegun(servers: readonly SingleFlightServer[], inFlight: number): number {
  const busy = servers.filter((server) => server.busy).length;
  const begun = servers.reduce((sum, { served }) => sum + served.length, 0);
  return begun + Math.max(0, inFlight - busy);
}

describe("a lease that its request gives up in order", () => {
  test("goes to the next in line of the same isolate: ten servers under load are hardly ever granted again", async () => {
    pool = await SingleFlightPool.start(10, 10);
    const answers = await load([pool.sluice.url], 40, 800);
    expect(statuses(answers)).toEqual({ 200: answers.length });
    expect(pool.rejected).toBe(0);
    const { totals } = await pool.sluice.until("web", ({ inFlight, queued }) => inFlight + queued === 0);
    expect(totals).toMatchObject({ accepted: answers.length, completed: answers.length, abandoned: 0 });
    expect(totals.passedOn / totals.completed).toBeGreaterThan(0.7);
  });

  test("goes on in order", async () => {
    pool = await SingleFlightPool.start(1, 200);
    const answers = await pool.sendInOrder(40);
    for (const server of pool.servers) server.serviceMs = 5;
    await Promise.all(answers);
    expect(pool.served).toEqual(paths(40));
    expect((await totals()).passedOn).toBeGreaterThan(20);
  });

  test("is not passed on once a drain is answered, and goes on after resume", async () => {
    pool = await SingleFlightPool.start(2, 300);
    const answers = await pool.sendInOrder(12);
    await pool.sluice.until("web", (snapshot) => snapshot.totals.passedOn > 0);
    const drained = await pool.sluice.drain("web", { owner: "deploy" });
    const most = mostBegun(pool.servers, ((await drained.json()) as Snapshot).inFlight);
    await pool.sluice.until("web", (snapshot) => snapshot.state === "drained");
    expect(pool.record.begun.length).toBeLessThanOrEqual(most);
    expect(pool.record.begun.length).toBeLessThan(12);
    await pool.sluice.resume("web", { owner: "deploy" });
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 12 });
    expect(pool.rejected).toBe(0);
  });

  test("is not passed on at a server that is taken out, once that is answered", async () => {
    pool = await SingleFlightPool.start(2, 300);
    const answers = await pool.sendInOrder(12);
    await pool.sluice.until("web", (snapshot) => snapshot.totals.passedOn > 0);
    const changed = await pool.sluice.admin("PATCH", "/api/pools/web/servers/web-0", { state: "drain" });
    const [out] = pool.servers as [SingleFlightServer];
    const most = mostBegun([out], ((await changed.json()) as Snapshot).servers[0]?.inFlight ?? 0);
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 12 });
    expect(out.served.length).toBeLessThanOrEqual(most);
    expect(out.served.length).toBeLessThan(12);
  });

  test("is its holder's after a crash of the pool's object", async () => {
    pool = await SingleFlightPool.start(2, 200);
    const answers = await pool.sendInOrder(10);
    await pool.sluice.until("web", (snapshot) => snapshot.totals.passedOn > 0);
    await pool.sluice.crash("web");
    expect(statuses(await Promise.all(answers))).toEqual({ 200: 10 });
    expect(pool.rejected).toBe(0);
    // No lease is left that somebody would be waited for.
    const { servers } = await pool.sluice.until("web", ({ inFlight }) => inFlight === 0);
    expect(servers.map(({ quarantined }) => quarantined)).toEqual([0, 0]);
  });

  test("is not left with a client that leaves as it gets it", async () => {
    pool = await SingleFlightPool.start(2, 20);
    const stays = load([pool.sluice.url], 10, 300);
    const leaves = Array.from({ length: 60 }, async (_, n) => {
      const headers = { "x-leave-after": String(5 + n) };
      await fetch(`${pool.sluice.leaverUrl}/leaver/${n}`, { headers }).then((answer) => answer.text());
    });
    await Promise.all(leaves);
    expect(statuses(await stays)).toEqual({ 200: expect.any(Number) });
    expect(pool.rejected).toBe(0);
    const { totals } = await pool.sluice.until("web", ({ inFlight, queued }) => inFlight + queued === 0);
    expect(totals.accepted).toBe(totals.completed + totals.abandoned);
  });
});

describe("two isolates", () => {
  test("share the servers, none is asked twice at a time, and each gets its share", async () => {
    pool = await SingleFlightPool.start(4, 10, {}, { second: true });
    const answers = await load([pool.sluice.url, pool.sluice.secondUrl], 24, 400);
    expect(statuses(answers)).toEqual({ 200: answers.length });
    expect(pool.rejected).toBe(0);
    const { totals } = await pool.sluice.until("web", ({ inFlight, queued }) => inFlight + queued === 0);
    expect(totals).toMatchObject({ completed: answers.length, abandoned: 0 });
  });

  test("keep the order in which their requests came", async () => {
    pool = await SingleFlightPool.start(1, 300, {}, { second: true });
    const second = new Connections(pool.sluice.secondUrl);
    const answers: Promise<{ status: number }>[] = [];
    for (let n = 0; n < 30; n++) {
      // Runs of each, so that leases are passed on between them.
      const client = n % 10 < 7 ? pool.client : second;
      answers.push(client.get(`/${n}`));
      await pool.sluice.until("web", (snapshot) => snapshot.totals.accepted === n + 1);
    }
    for (const server of pool.servers) server.serviceMs = 5;
    await Promise.all(answers);
    second.close();
    expect(pool.served).toEqual(paths(30));
    expect((await totals()).passedOn).toBeGreaterThan(0);
  });
});
