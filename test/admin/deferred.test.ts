import { describe, expect, onTestFinished, test } from "vitest";
import type { AuditList } from "../../src/admin/audit.ts";
import type { DeferredList, ListedRequest } from "../../src/admin/deferred.ts";
import type { DeferredState } from "../../src/link/deferral.ts";
import { Deferrer } from "../deferred/support.ts";
import type { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { kinds, watch } from "./events/support.ts";
import { IDLE_POOLS, problemOf, stage as stageWith } from "./support.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const LIST = "/api/pools/web/deferred";
/** What nobody has ever got: no object has this id. */
const NO_ID = "0".repeat(96);

/** A pool that stores requests, and whose slots open at once after a failure. */
function stage(keys: Record<string, unknown> = {}) {
  return stageWith({ deferred: {}, quarantine: { broken: "1ms", cancel: "1ms", max: "1s" }, ...keys });
}

const client = (sluice: Sluice) => new Deferrer(() => sluice);
/** Stores a request, and resolves with its id. */
const defer = (sluice: Sluice, path = "/", method = "POST") => client(sluice).defer(path, { method });
const stateOf = async (sluice: Sluice, id: string) => (await client(sluice).status(id)).state;
const untilState = (sluice: Sluice, id: string, state: DeferredState) => client(sluice).until(id, state);

async function list(sluice: Sluice, query = "", path = LIST): Promise<DeferredList> {
  const response = await sluice.admin("GET", path + query);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as DeferredList;
}

const cancel = (sluice: Sluice, id: string, pool = "web", query = "") =>
  sluice.admin("DELETE", `/api/pools/${pool}/deferred/${id}${query}`);
/** As the command line and the dashboard do. */
const cancelOnly = (sluice: Sluice, id: string) => cancel(sluice, id, "web", "?forget=false");
const retry = (sluice: Sluice, id: string, pool = "web") =>
  sluice.admin("POST", `/api/pools/${pool}/deferred/${id}/retry`);

/** Resolves once the pool has heard of so many requests in this state. */
async function until(sluice: Sluice, state: "queued" | "answered" | "failed", count: number): Promise<void> {
  await sluice.until("web", ({ deferred }) => deferred?.[state] === count);
}

/** A stored request that its server breaks off, and that may not be sent twice. */
async function failed({ sluice, origin }: { sluice: Sluice; origin: Origin }): Promise<string> {
  const before = (await sluice.snapshot("web")).deferred?.failed ?? 0;
  origin.answer = (request) => request.socket.destroy();
  const id = await defer(sluice, "/breaks");
  await until(sluice, "failed", before + 1);
  origin.answer = (_, response) => response.end("served");
  return id;
}

describe("the list of deferred requests", () => {
  test("has each with all that the pool knows of it, in the order in which they came", async () => {
    const { sluice, origin } = await stage();
    const broken = await failed({ sluice, origin });
    const served = await defer(sluice, "/served?with=a-secret");
    await until(sluice, "answered", 1);
    origin.answer = null;
    const running = await defer(sluice, "/runs", "PUT");
    const { response } = await origin.arrival();
    const waiting = await defer(sluice, "/waits");
    const gone = await defer(sluice, "/canceled");
    await cancel(sluice, gone);

    const { requests, next } = await list(sluice);
    expect(next).toBeNull();
    const at = expect.stringMatching(ISO);
    const entry = (id: string, path: string, rest: Partial<ListedRequest>) => ({
      id,
      number: expect.any(Number),
      method: "POST",
      path,
      acceptedAt: at,
      startedAt: null,
      endedAt: null,
      attempts: 0,
      status: null,
      code: null,
      ...rest,
    });
    const ended = { startedAt: at, endedAt: at, attempts: 1 };
    expect(requests).toEqual([
      entry(broken, "/breaks", { state: "failed", ...ended, status: 502, code: "bad-gateway" }),
      // No query: it may hold secrets.
      entry(served, "/served", { state: "answered", ...ended, status: 200 }),
      entry(running, "/runs", { state: "running", method: "PUT", startedAt: at }),
      entry(waiting, "/waits", { state: "queued" }),
      entry(gone, "/canceled", { state: "canceled", endedAt: at }),
    ]);
    const numbers = requests.map(({ number }) => number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    response.end();
  });

  test("shows one state alone", async () => {
    const { sluice, origin } = await stage();
    const broken = await failed({ sluice, origin });
    const served = await defer(sluice);
    await until(sluice, "answered", 1);
    const shown = async (state: string) =>
      (await list(sluice, `?state=${state}`)).requests.map(({ id }) => id);
    expect(await shown("failed")).toEqual([broken]);
    expect(await shown("answered")).toEqual([served]);
    for (const none of ["queued", "running", "canceled"]) expect(await shown(none)).toEqual([]);
  });

  test("comes in pages, none of which is empty, and which miss and repeat nothing", async () => {
    const { sluice, origin } = await stage();
    origin.answer = (_, response) => response.end("served");
    for (let n = 0; n < 2; n++) await defer(sluice, `/${n}`);
    await until(sluice, "answered", 2);
    await sluice.drain("web");
    for (let n = 2; n < 6; n++) await defer(sluice, `/${n}`);
    const pages: string[][] = [];
    for (let after: number | null = 0; after !== null; ) {
      const page: DeferredList = await list(sluice, `?limit=2&after=${after}`);
      pages.push(page.requests.map(({ path }) => path));
      after = page.next;
    }
    expect(pages).toEqual([
      ["/0", "/1"],
      ["/2", "/3"],
      ["/4", "/5"],
    ]);
  });

  test("is empty for a pool that has never stored any", async () => {
    const { sluice } = await stageWith();
    expect(await list(sluice)).toEqual({ requests: [], next: null });
  });

  test("still has what a pool stored when it was configured to, and nothing of it is lost to an operator", async () => {
    const pools = { web: { ...IDLE_POOLS.web, deferred: {} } };
    const sluice = await Sluice.start({ pools });
    await sluice.drain("web", { expires: "1h" });
    const id = await defer(sluice);
    const folder = await sluice.stopKeepingStorage();
    const later = await Sluice.start({ pools: IDLE_POOLS, folder });
    onTestFinished(() => later.stop());
    const { requests } = await list(later);
    expect(requests).toMatchObject([{ id, state: "queued" }]);
    expect((await cancel(later, id)).status).toBe(204);
    expect((await list(later)).requests).toMatchObject([{ id, state: "canceled" }]);
  });

  test.each([
    [
      "state=lost",
      'query.state: "lost" is unknown; allowed: "queued", "running", "answered", "failed", "canceled"',
    ],
    ["state=", 'query.state: "" is unknown'],
    ["limit=0", 'query.limit: "0" is out of range; allowed: 1 to 1000'],
    ["limit=1001", 'query.limit: "1001" is out of range; allowed: 1 to 1000'],
    ["limit=ten", 'query.limit: "ten" is not a whole number; allowed: 1 to 1000'],
    ["limit=1e2", 'query.limit: "1e2" is not a whole number'],
    ["limit=", 'query.limit: "" is not a whole number'],
    ["after=-1", 'query.after: "-1" is not a whole number; allowed: 0 to 9007199254740991'],
    ["after=9007199254740993", 'query.after: "9007199254740993" is out of range'],
    [
      "stat=failed",
      'query.stat: unknown key, given "failed"; did you mean "state"? allowed: state, limit, after',
    ],
    ["__proto__=1", "query.__proto__: unknown key"],
  ])("is refused with the query %s, which is named with what is allowed", async (query, says) => {
    const { sluice } = await stage();
    const { detail } = await problemOf(await sluice.admin("GET", `${LIST}?${query}`), 400, "invalid-request");
    expect(detail).toContain(says);
  });

  test("is refused with all that is wrong in it at once", async () => {
    const { sluice } = await stage();
    const response = await sluice.admin("GET", `${LIST}?state=x&limit=0&after=y`);
    const { detail } = await problemOf(response, 400, "invalid-request");
    expect(detail.split("\n")).toHaveLength(3);
  });
});

describe("canceling a deferred request", () => {
  test("that waits takes it off the list: its server never sees it, its client is told", async () => {
    const { sluice, origin } = await stage();
    origin.answer = (_, response) => response.end("served");
    await sluice.drain("web");
    const [canceled, other] = [await defer(sluice, "/canceled"), await defer(sluice, "/other")];
    const response = await cancel(sluice, canceled);
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(await stateOf(sluice, canceled)).toBe("canceled");
    expect(await sluice.snapshot("web")).toMatchObject({ queued: 1, deferred: { queued: 1 } });
    await sluice.resume("web");
    await untilState(sluice, other, "answered");
    expect(origin.count).toBe(1);
  });

  test("that runs stops it, as on_client_abort says", async () => {
    const { sluice, origin } = await stage({ on_client_abort: "cancel" });
    const id = await defer(sluice);
    const { request } = await origin.arrival();
    const cut = new Promise((resolve) => request.socket.once("close", resolve));
    const response = await cancel(sluice, id);
    expect([response.status, await response.json()]).toEqual([202, { id, state: "running" }]);
    await cut;
    await untilState(sluice, id, "canceled");
    expect((await sluice.until("web", ({ inFlight }) => inFlight === 0)).deferred).toMatchObject({
      running: 0,
    });
  });

  test("that has ended forgets it, for its client too", async () => {
    const { sluice, origin } = await stage();
    const id = await failed({ sluice, origin });
    expect((await cancel(sluice, id)).status).toBe(204);
    expect((await client(sluice).get(id)).status).toBe(404);
    expect((await list(sluice)).requests).toEqual([]);
    expect((await sluice.snapshot("web")).deferred).toMatchObject({ failed: 0 });
    await problemOf(await cancel(sluice, id), 404, "unknown-request");
  });
});

describe("canceling a deferred request with forget=false", () => {
  test("that waits or runs is as without it, and may be repeated", async () => {
    const { sluice, origin } = await stage({ on_client_abort: "cancel" });
    const running = await defer(sluice);
    await origin.arrival();
    await sluice.drain("web");
    const waiting = await defer(sluice);
    expect((await cancelOnly(sluice, waiting)).status).toBe(204);
    expect((await cancelOnly(sluice, waiting)).status).toBe(204);
    expect((await cancelOnly(sluice, running)).status).toBe(202);
    for (const id of [waiting, running]) await untilState(sluice, id, "canceled");
  });

  test("that has ended is refused, and its answer is kept", async () => {
    const { sluice, origin } = await stage();
    const broken = await failed({ sluice, origin });
    const served = await defer(sluice);
    await until(sluice, "answered", 1);
    const refusals = [await cancelOnly(sluice, broken), await cancelOnly(sluice, served)];
    for (const [index, state] of ["failed", "answered"].entries()) {
      const { detail } = await problemOf(refusals[index] as Response, 409, "already-ended");
      expect(detail).toBe(`The request has already ended, as ${state}: nothing was done to it.`);
    }
    expect(await stateOf(sluice, broken)).toBe("failed");
    expect(String((await client(sluice).response(served)).body)).toBe("served");
  });

  test.each([
    ["forget=no", 'query.forget: "no" is unknown; allowed: "true", "false"'],
    ["forgot=false", 'query.forgot: unknown key, given "false"; did you mean "forget"? allowed: forget'],
  ])("is not what %s says, which is refused and does nothing", async (query, says) => {
    const { sluice } = await stage();
    await sluice.drain("web");
    const id = await defer(sluice);
    const { detail } = await problemOf(await cancel(sluice, id, "web", `?${query}`), 400, "invalid-request");
    expect(detail).toBe(says);
    expect(await stateOf(sluice, id)).toBe("queued");
  });
});

describe("trying a deferred request again that has failed", () => {
  test("queues it behind those that wait, says where, and it is served", async () => {
    const { sluice, origin } = await stage();
    const id = await failed({ sluice, origin });
    await sluice.drain("web");
    const [before] = (await list(sluice)).requests;
    await defer(sluice, "/first");
    const response = await retry(sluice, id);
    expect([response.status, await response.json()]).toEqual([
      202,
      { id, state: "queued", place: 2, estimatedStartAt: null },
    ]);
    expect(await stateOf(sluice, id)).toBe("queued");
    const [first, again] = (await list(sluice)).requests;
    expect([first?.path, again]).toMatchObject(["/first", { id, state: "queued", code: null }]);
    expect(again?.number).toBeGreaterThan(before?.number ?? 0);
    expect((await sluice.snapshot("web")).deferred).toMatchObject({ queued: 2, failed: 0 });
    await sluice.resume("web");
    await untilState(sluice, id, "answered");
    expect(String((await client(sluice).response(id)).body)).toBe("served");
  });

  test("survives a crash of the pool's object and of its own", async () => {
    const { sluice, origin } = await stage();
    const id = await failed({ sluice, origin });
    await sluice.drain("web", { expires: "1h" });
    expect((await retry(sluice, id)).status).toBe(202);
    await sluice.crash("web");
    await sluice.crashDeferred(id);
    expect((await list(sluice)).requests).toMatchObject([{ id, state: "queued" }]);
    await sluice.resume("web");
    await untilState(sluice, id, "answered");
    await until(sluice, "answered", 1);
  });

  test.each([0, 50])(
    "works at the very moment of its failure, on a free slot, also where answers of the pool take %d ms",
    async (latencyMs) => {
      const { sluice, origin } = await stage({ slots: 20 });
      await sluice.answerLate(latencyMs);
      const seen = new Set<string | undefined>();
      origin.answer = (request, response) => {
        if (seen.has(request.url)) response.end("served");
        else request.socket.destroy();
        seen.add(request.url);
      };
      const all = Array.from({ length: 10 }, async (_, n) => {
        const id = await defer(sluice, `/${n}`);
        await untilState(sluice, id, "failed");
        expect((await retry(sluice, id)).status).toBe(202);
        await untilState(sluice, id, "answered");
      });
      await Promise.all(all);
      await until(sluice, "answered", 10);
      const { requests } = await list(sluice);
      expect(requests.map(({ state }) => state)).toEqual(new Array(10).fill("answered"));
    },
  );

  test.each(["queued", "answered", "canceled"] as const)("is refused if it is %s", async (state) => {
    const { sluice, origin } = await stage();
    origin.answer = (_, response) => response.end("served");
    if (state !== "answered") await sluice.drain("web");
    const id = await defer(sluice);
    if (state === "canceled") await cancel(sluice, id);
    await untilState(sluice, id, state);
    await problemOf(await retry(sluice, id), 409, "not-failed");
    expect(await stateOf(sluice, id)).toBe(state);
  });

  test("is refused while as many are stored as may be, and works once there is room", async () => {
    const { sluice, origin } = await stage({ deferred: { max: 1 } });
    const id = await failed({ sluice, origin });
    await sluice.drain("web");
    const other = await defer(sluice);
    const response = await retry(sluice, id);
    const problem = await problemOf(response, 503, "deferred-full");
    expect(problem).toMatchObject({ pool: "web" });
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await stateOf(sluice, id)).toBe("failed");
    await cancel(sluice, other);
    expect((await retry(sluice, id)).status).toBe(202);
  });

  test("is refused while as many of its client's wait as may, which the audit has, and works once there is room", async () => {
    const { sluice, origin } = await stage({ flow: "header:x-api-key", max_queue_per_flow: 1 });
    const id = await failed({ sluice, origin });
    await sluice.drain("web");
    const other = await defer(sluice);
    await problemOf(await retry(sluice, id), 429, "flow-queue-full");
    expect(await stateOf(sluice, id)).toBe("failed");
    const audit = async () => {
      const { changes } = (await (await sluice.admin("GET", "/api/audit")).json()) as AuditList;
      return changes.filter(({ act }) => act === "retry-deferred").map(({ answer }) => answer);
    };
    await expect.poll(audit).toEqual(["flow-queue-full"]);
    await cancel(sluice, other);
    expect((await retry(sluice, id)).status).toBe(202);
  });

  test("is refused while no server is there to do it, if requests are then", async () => {
    const { sluice, origin } = await stage({ when_down: "refuse" });
    const id = await failed({ sluice, origin });
    await sluice.admin("PATCH", "/api/pools/web/servers/web-1", { state: "maint" });
    await problemOf(await retry(sluice, id), 503, "no-server");
    expect(await stateOf(sluice, id)).toBe("failed");
  });
});

describe("an id", () => {
  test.each([
    ["that nobody has", NO_ID],
    ["that is none", "unknown"],
    ["that is too short", NO_ID.slice(1)],
    ["in capitals", "A".repeat(96)],
    ["that climbs", "..%2F..%2Fdrain"],
    ["of an object's prototype", "__proto__"],
  ])("%s is an unknown request", async (_, id) => {
    const { sluice } = await stage();
    await problemOf(await cancel(sluice, id), 404, "unknown-request");
    await problemOf(await retry(sluice, id), 404, "unknown-request");
  });

  test("with another secret finds nothing, and does no harm", async () => {
    const { sluice } = await stage();
    await sluice.drain("web");
    const id = await defer(sluice);
    await problemOf(await cancelOnly(sluice, id.slice(0, 64) + "0".repeat(32)), 404, "unknown-request");
    expect(await stateOf(sluice, id)).toBe("queued");
  });

  test("of another pool's request finds nothing, and does no harm", async () => {
    const { sluice } = await twoPools();
    const queued = await defer(sluice, "/web");
    for (const act of [cancel, retry])
      await problemOf(await act(sluice, queued, "api"), 404, "unknown-request");
    expect(await stateOf(sluice, queued)).toBe("queued");
    expect(await list(sluice, "", "/api/pools/api/deferred")).toEqual({ requests: [], next: null });
    expect((await cancel(sluice, queued)).status).toBe(204);
  });

  test("is in no refusal, no event, no metric and no line of the log: it is the key to the answer", async () => {
    const { sluice, origin } = await stage();
    const id = await failed({ sluice, origin });
    const refusals = [await retry(sluice, `${id.slice(0, 95)}x`), await cancelOnly(sluice, id)];
    const refusal = (await Promise.all(refusals.map((response) => response.text()))).join();
    await retry(sluice, id);
    await untilState(sluice, id, "answered");
    const metrics = await (await sluice.admin("GET", "/metrics")).text();
    const watcher = await watch(sluice);
    await watcher.snapshot();
    const told = JSON.stringify(watcher.messages);
    expect(kinds(watcher)).toContain("deferred-failed");
    const secret = id.slice(64, 90);
    for (const text of [refusal, metrics, told, sluice.output.join("\n")]) expect(text).not.toContain(secret);
  });
});

/** Pools `web` and `api` with a server each that never answers. Both are drained. */
async function twoPools(): Promise<{ sluice: Sluice }> {
  const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
  const pools = { web: { servers, deferred: {} }, api: { path_prefix: "/api", servers, deferred: {} } };
  const sluice = await Sluice.start({ pools });
  onTestFinished(() => sluice.stop());
  for (const pool of Object.keys(pools)) await sluice.drain(pool);
  return { sluice };
}

describe("the counts in a snapshot", () => {
  test("reach watchers also where a request is forgotten and nothing else happens", async () => {
    const { sluice, origin } = await stage();
    const id = await failed({ sluice, origin });
    const watcher = await watch(sluice);
    expect((await watcher.snapshot()).deferred).toMatchObject({ failed: 1 });
    await cancel(sluice, id);
    await watcher.snapshot(({ deferred }) => deferred?.failed === 0);
  });

  test("tell for how long the oldest has waited, also if its server has failed it meanwhile", async () => {
    const { sluice, origin } = await stage({ quarantine: { broken: "1h" } });
    await defer(sluice, "/old", "PUT");
    const { request } = await origin.arrival();
    await defer(sluice, "/new");
    request.socket.destroy();
    await until(sluice, "queued", 2);
    const [old] = (await list(sluice)).requests;
    const age = Date.now() - Date.parse(old?.acceptedAt ?? "");
    expect((await sluice.snapshot("web")).deferred?.oldestMs).toBeGreaterThanOrEqual(age);
  });
});
