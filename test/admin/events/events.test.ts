import { describe, expect, test } from "vitest";
import { timeless } from "../../support/snapshots.ts";
import { get, stage } from "../support.ts";
import { drainAndResume, ids, kinds, watch } from "./support.ts";

describe("a watcher", () => {
  test("gets a stream that nothing on the way may keep, hold back or compress", async () => {
    const { sluice } = await stage();
    const { headers } = (await watch(sluice)).response;
    expect(headers).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "transfer-encoding": "chunked",
    });
    expect(headers).not.toHaveProperty("content-encoding");
  });

  test("gets what has happened first, oldest first, and then the pool as it is", async () => {
    const { sluice } = await stage();
    await drainAndResume(sluice, 1);
    await sluice.admin("PATCH", "/api/pools/web/servers/web-1", { weight: 3 });
    const watcher = await watch(sluice);
    const snapshot = await watcher.snapshot();
    expect(timeless(snapshot)).toEqual(timeless(await sluice.snapshot("web")));
    const events = watcher.messages.filter(({ event }) => event !== undefined);
    expect(events.map(({ event, id }) => `${id} ${event}`)).toEqual([
      "undefined history",
      "1 drain",
      "2 drained",
      "3 resume",
      "4 server-changed",
      "undefined snapshot",
    ]);
    for (const { id, event, data = "" } of events.slice(1, -1)) {
      const at = expect.stringMatching(/Z$/);
      expect(JSON.parse(data)).toMatchObject({ id: Number(id), kind: event, at });
    }
  });

  test("learns what the waiting list was before anybody watched", async () => {
    const { sluice, origin } = await stage();
    origin.answer = (_, response) => response.end("served");
    await sluice.drain("web");
    const waiting = ["/a", "/b"].map((path) => get(sluice, path));
    await sluice.until("web", ({ queued, oldestWaitMs }) => queued === 2 && oldestWaitMs > 100);
    await sluice.resume("web");
    await Promise.all(waiting);
    const watcher = await watch(sluice);
    const { data = "" } = await watcher.next(({ event }) => event === "history");
    const { from, stepMs, queued, oldestWaitMs } = JSON.parse(data);
    expect([stepMs, Math.max(...queued), oldestWaitMs.length]).toEqual([5_000, 2, queued.length]);
    expect(Math.max(...oldestWaitMs)).toBeGreaterThan(100);
    expect(Date.parse(from) + stepMs * queued.length).toBeGreaterThan(Date.now());
  });

  test("is told what happens, and sees what it led to", async () => {
    const { sluice, origin } = await stage();
    const watcher = await watch(sluice);
    await watcher.snapshot();
    const first = get(sluice, "/first");
    const { response } = await origin.arrival();
    await sluice.drain("web", { owner: "deploy-42", reason: "v2" });
    expect(await watcher.event("drain")).toMatchObject({ owner: "deploy-42", reason: "v2" });
    await watcher.snapshot(({ state, inFlight }) => state === "draining" && inFlight === 1);
    response.end();
    await first;
    await watcher.event("drained");
    await sluice.resume("web", { force: true });
    expect(await watcher.event("resume")).toMatchObject({ owner: "deploy-42", by: "admin", cause: "forced" });
    await watcher.snapshot(({ state }) => state === "running");
  });

  test("hears of refusals, quarantine and a slot freed by hand", async () => {
    const { sluice } = await stage({ server_timeout: "50ms", max_queue: 0, quarantine: { max: "1h" } });
    const watcher = await watch(sluice);
    expect(await get(sluice, "/silent")).toContain("504");
    for (let n = 0; n < 3; n++) expect(await get(sluice, "/full")).toContain("503");
    const quarantine = await watcher.event("quarantine");
    expect(quarantine).toMatchObject({ server: "web-1", cause: "timeout", count: 1 });
    const { lease } = quarantine as { lease?: string };
    await sluice.admin("DELETE", `/api/pools/web/leases/${lease}`);
    expect(await watcher.event("slot-freed")).toMatchObject({ server: "web-1", lease });
    const refusals = watcher.events.filter(({ kind }) => kind === "refusal");
    expect(refusals.map((event) => "code" in event && event.code)).toEqual(["server-timeout", "queue-full"]);
  });

  test("sees the queue of a drained pool grow older, second by second", async () => {
    const { sluice, origin } = await stage();
    origin.answer = (_, response) => response.end("served");
    await sluice.drain("web");
    const waiting = get(sluice, "/");
    const watcher = await watch(sluice);
    const first = await watcher.snapshot(({ queued }) => queued === 1);
    const second = await watcher.snapshot();
    expect(second.oldestWaitMs).toBeGreaterThan(first.oldestWaitMs);
    await sluice.resume("web");
    await waiting;
  });

  test("gets no snapshot while nothing changes, but hears that somebody is there", async () => {
    const { sluice } = await stage();
    const watcher = await watch(sluice);
    // A pool's object that has just begun knows after some seconds how much comes, be it nothing.
    await watcher.snapshot(({ grantsPerSecond }) => grantsPerSecond === 0);
    const { length } = watcher.messages;
    await watcher.next(({ comment }) => comment === "still here");
    await watcher.next(({ comment }) => comment === "still here");
    expect(watcher.messages.slice(length).flatMap(({ event }) => event ?? [])).toEqual([]);
  });
});

describe("a pool that cannot be reached", () => {
  test("is told to who watches, again and again, until it is back with the pool as it is", async () => {
    const { sluice } = await stage();
    const watcher = await watch(sluice);
    await watcher.snapshot();
    await sluice.losePool("web");
    const told: (string | undefined)[] = [];
    for (let n = 0; n < 2; n++) told.push((await watcher.next(({ event }) => event === "unreachable")).data);
    expect(JSON.parse(told[0] ?? "")).toEqual({ at: expect.stringMatching(/Z$/) });
    expect(told[1]).toBe(told[0]);
    await sluice.findPool("web");
    await watcher.snapshot();
    await drainAndResume(sluice, 1);
    await watcher.event("drained");
    expect(watcher.ended).toBe(false);
  });
});

test("many watchers are all told the same, and one that leaves takes nothing from the others", async () => {
  const { sluice } = await stage();
  const crowd = await Promise.all(Array.from({ length: 50 }, () => watch(sluice)));
  await sluice.drain("web");
  await Promise.all(crowd.map((watcher) => watcher.event("drained")));
  // One of them has called the pool for all watchers.
  const [leavers, rest] = [crowd.slice(0, 25), crowd.slice(25)];
  for (const watcher of leavers) watcher.leave();
  await sluice.resume("web");
  await Promise.all(rest.map((watcher) => watcher.event("resume")));
  for (const watcher of rest) expect(kinds(watcher)).toEqual(["drain", "drained", "resume"]);
  expect(ids(crowd[30])).toEqual([1, 2, 3]);
});
