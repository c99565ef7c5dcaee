/** What the model takes for counted, counted: calls, alarms and rows of requests in the real runtime. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { A_DEFERRED, A_LOOK, A_REQUEST, SMALL_OBJECT_BYTES } from "../../bench/model/inputs.ts";
import { Deferrer } from "../deferred/support.ts";
import { bundle } from "../support/bundle.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

type Counts = Record<string, number>;

const KIB = "x".repeat(1_024);

let folder: string;
let origin: Origin;
let sluice: Sluice;
let client: Deferrer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-counts-"));
  await bundle("bench/workers/counted.ts", folder);
  origin = await Origin.start();
  origin.answer = (_request, response) => response.end(KIB);
  const servers = [{ name: "web-1", url: origin.url }];
  sluice = await Sluice.start({
    bundle: { path: join(folder, "counted.js") },
    pools: {
      web: { servers, deferred: { keep: "1s" } },
      kept: { hosts: ["kept.test"], servers, deferred: {} },
    },
  });
  client = new Deferrer(() => sluice);
});
beforeEach(() => taken());
afterAll(async () => {
  await sluice.stop();
  await origin.stop();
  await rm(folder, { recursive: true });
});

/** The counts since the last call. */
async function taken(): Promise<Counts> {
  return (await (await fetch(`${sluice.url}/__bench/counts`, { method: "DELETE" })).json()) as Counts;
}

/** The sum of all counts whose names begin so. */
const sum = (counts: Counts, ...beginnings: string[]) =>
  Object.entries(counts)
    .filter(([name]) => beginnings.some((beginning) => name.startsWith(beginning)))
    .reduce((total, [, count]) => total + count, 0);

/** The counts since the last call, as soon as those whose names begin so are that many. */
async function takenOnce(beginning: string, most: number): Promise<Counts> {
  const soFar = async () => (await (await fetch(`${sluice.url}/__bench/counts`)).json()) as Counts;
  await expect.poll(async () => sum(await soFar(), beginning)).toBe(most);
  return taken();
}

test("a direct request costs what the model says", async () => {
  await fetch(sluice.url, { method: "POST", body: KIB });
  const counts = await takenOnce("rows: pool.slots", A_REQUEST.rowsUncontended);
  expect(sum(counts, "call: ")).toBe(A_REQUEST.objectRequests);
  expect(sum(counts, "message: lease")).toBe(0);
  expect(sum(counts, "rows: deferred", "rows: pool.deferred")).toBe(0);
});

test("requests that queue cost a row less, and none where the lease is passed on", async () => {
  const passedBefore = (await sluice.snapshot("web")).totals.passedOn;
  await taken();
  origin.answer = (_request, response) => void setTimeout(() => response.end(KIB), 30);
  const all = 12;
  await Promise.all(Array.from({ length: all }, () => fetch(sluice.url).then((answer) => answer.text())));
  origin.answer = (_request, response) => response.end(KIB);
  const { totals } = await sluice.until("web", ({ inFlight }) => inFlight === 0);
  const passedOn = totals.passedOn - passedBefore;
  expect(passedOn).toBeGreaterThan(0);
  const rows =
    A_REQUEST.rowsUncontended +
    (all - 1 - passedOn) * A_REQUEST.rowsHandedOver +
    passedOn * A_REQUEST.rowsPassed;
  const counts = await takenOnce("rows: pool.slots", rows);
  expect(counts["call: pool.enter"]).toBe(all * A_REQUEST.objectRequestsPassed);
  expect(counts["call: pool.end"]).toBeLessThanOrEqual(all);
});

test("one that takes a second costs a call more, and no rows", async () => {
  origin.answer = (_request, response) => void setTimeout(() => response.end(KIB), 1_200);
  await fetch(sluice.url);
  const counts = await takenOnce("rows: pool.slots", A_REQUEST.rowsUncontended);
  origin.answer = (_request, response) => response.end(KIB);
  expect(sum(counts, "call: ")).toBe(A_REQUEST.objectRequests + A_REQUEST.objectRequestsHeld);
  expect(counts).toMatchObject({ "call: pool.attach": 1, "message: lease.untilCut": 1 });
  expect(counts).not.toHaveProperty("message: lease.renew");
});

test("a deferred request costs what the model says, from its 202 until it is forgotten", async () => {
  await client.defer("/", { body: KIB });
  const counts = await takenOnce("rows of deleteAll: deferred", A_DEFERRED.rowsForgotten);
  expect(sum(counts, "call: deferred", "alarm: deferred")).toBe(A_DEFERRED.objectRequests);
  expect(sum(counts, "call: pool")).toBe(A_DEFERRED.poolRequests);
  expect(sum(counts, "rows: deferred")).toBe(A_DEFERRED.rowsOfObject);
  expect(sum(counts, "rows: pool.deferred")).toBe(A_DEFERRED.rowsOfPool);
  expect(sum(counts, "rows: pool.slots")).toBe(A_REQUEST.rowsUncontended);
  expect(counts["bytes: deferred"]).toBe(SMALL_OBJECT_BYTES);
});

test("so does a look at one", async () => {
  await sluice.drain("kept");
  const id = await client.defer("/", { headers: { Host: "kept.test" } });
  await taken();
  await client.status(id);
  expect(sum(await taken(), "call: ")).toBe(A_LOOK.whileQueued);
  await sluice.resume("kept");
  await client.ended(id);
  await takenOnce("call: pool.deferredEnded", 1);
  await client.status(id);
  expect(sum(await taken(), "call: deferred")).toBe(A_LOOK.status);
  await client.response(id);
  expect(sum(await taken(), "call: deferred")).toBe(A_LOOK.answer);
});

test("a change by an operator costs one row for the audit, and an attempt nothing else", async () => {
  const patch = { method: "PATCH", path: "/api/pools/web/servers/web-1" };
  for (const weight of [2, 3]) {
    await sluice.admin(patch.method, patch.path, { weight });
    const counts = await taken();
    expect([counts["rows: pool.audit"], counts["rows: pool.servers"]]).toEqual([1, 1]);
  }
  await sluice.admin(patch.method, patch.path, { weight: 4, ifState: "maint" });
  expect(Object.entries(await taken()).filter(([name]) => name.startsWith("rows: "))).toEqual([
    ["rows: pool.audit", 1],
  ]);
});
