import { describe, expect, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import type { Sluice } from "../support/sluice.ts";
import { timeless } from "../support/snapshots.ts";
import { get, stage } from "./support.ts";

/** The answer to a drain, and whether it has come. */
function pendingDrain(sluice: Sluice, body: object) {
  const pending = { answered: false, answer: sluice.drain("web", body) };
  void pending.answer.then(() => {
    pending.answered = true;
  });
  return pending;
}

async function outcome(answer: Response | Promise<Response>): Promise<[number, Snapshot]> {
  const response = await answer;
  return [response.status, (await response.json()) as Snapshot];
}

describe("drain", () => {
  test("answers 200 drained at once when nothing is in flight, however long it might wait", async () => {
    const { sluice } = await stage();
    const [status, snapshot] = await outcome(sluice.drain("web", { wait: "1h" }));
    expect([status, snapshot.state, snapshot.inFlight]).toEqual([200, "drained", 0]);
    expect(timeless(await sluice.snapshot("web"))).toEqual(timeless(snapshot));
  });

  test("needs no body: a drain by `admin`, for as long as the pool's drain_expires", async () => {
    const { sluice } = await stage({ drain_expires: "20m" });
    const [status, { drain }] = await outcome(sluice.admin("POST", "/api/pools/web/drain"));
    expect(status).toBe(200);
    expect(drain).toMatchObject({ owner: "admin", reason: null });
    expect(Date.parse(drain?.expiresAt ?? "") - Date.parse(drain?.since ?? "")).toBe(20 * 60_000);
  });

  test("answers 202 at once while leases remain and it is not to wait", async () => {
    const { sluice, origin } = await stage();
    const request = get(sluice, "/");
    const { response } = await origin.arrival();
    const [status, snapshot] = await outcome(sluice.drain("web"));
    expect([status, snapshot.state, snapshot.inFlight]).toEqual([202, "draining", 1]);
    response.end("finished");
    expect(await request).toBe("200 finished");
    await sluice.until("web", ({ state }) => state === "drained");
    expect((await sluice.drain("web")).status).toBe(200);
  });

  test("with `wait` answers when the last lease ends: not before it, and not much later", async () => {
    const { sluice, origin } = await stage({ slots: 2 });
    const requests = [get(sluice, "/1"), get(sluice, "/2")];
    const arrivals = [await origin.arrival(), await origin.arrival()];
    // Longer than the test's timeout.
    const pending = pendingDrain(sluice, { wait: "10m" });
    await sluice.until("web", ({ state }) => state === "draining");
    arrivals[0]?.response.end();
    await sluice.until("web", ({ inFlight }) => inFlight === 1);
    // The lease ends with the last byte of the body, not with the headers.
    arrivals[1]?.response.write("half");
    await sluice.snapshot("web");
    expect(pending.answered).toBe(false);
    arrivals[1]?.response.end();
    const [status, snapshot] = await outcome(pending.answer);
    expect([status, snapshot.state, snapshot.inFlight]).toEqual([200, "drained", 0]);
    await Promise.all(requests);
  });

  test("with a `wait` that runs out answers 202, and goes on draining", async () => {
    const { sluice, origin } = await stage();
    const request = get(sluice, "/");
    const { response } = await origin.arrival();
    const start = performance.now();
    const [status, snapshot] = await outcome(sluice.drain("web", { wait: "60ms" }));
    // 1 ms, for the clocks of two processes.
    expect(performance.now() - start).toBeGreaterThanOrEqual(59);
    expect([status, snapshot.state, snapshot.inFlight]).toEqual([202, "draining", 1]);
    response.end();
    await request;
    await sluice.until("web", ({ state }) => state === "drained");
  });

  test("counts a quarantined slot as in flight", async () => {
    const { sluice } = await stage({ server_timeout: "20ms", quarantine: { max: "1h" } });
    expect(await get(sluice, "/")).toContain("504");
    const [status, { state, servers }] = await outcome(sluice.drain("web"));
    expect([status, state]).toEqual([202, "draining"]);
    const drained = outcome(sluice.drain("web", { wait: "10m" }));
    await sluice.admin("DELETE", `/api/pools/web/leases/${servers[0]?.leases[0]?.id}`);
    expect(await drained).toMatchObject([200, { state: "drained" }]);
  });

  test("lets many wait at once, and tells them all", async () => {
    const { sluice, origin } = await stage();
    const request = get(sluice, "/");
    const { response } = await origin.arrival();
    const waits = Array.from({ length: 5 }, () => outcome(sluice.drain("web", { wait: "10m" })));
    await sluice.until("web", ({ state }) => state === "draining");
    response.end();
    for (const [status, { state }] of await Promise.all(waits))
      expect([status, state]).toEqual([200, "drained"]);
    await request;
  });

  test("ended while somebody waits for it answers, and says that it is over", async () => {
    const { sluice, origin } = await stage();
    const request = get(sluice, "/");
    const { response } = await origin.arrival();
    const pending = pendingDrain(sluice, { wait: "10m" });
    await sluice.until("web", ({ state }) => state === "draining");
    await sluice.resume("web");
    expect(await outcome(pending.answer)).toMatchObject([202, { state: "running", drain: null }]);
    response.end();
    await request;
  });
});

test("requests that come while the pool is drained wait, and are answered in their order after resume", async () => {
  const { sluice, origin } = await stage();
  await sluice.drain("web");
  const requests: Promise<string>[] = [];
  for (const path of ["/1", "/2", "/3"]) {
    requests.push(get(sluice, path));
    await sluice.until("web", ({ queued }) => queued === requests.length);
  }
  expect(origin.count).toBe(0);
  expect(await outcome(sluice.resume("web"))).toMatchObject([200, { state: "running", drain: null }]);
  for (const path of ["/1", "/2", "/3"]) {
    const { request, response } = await origin.arrival();
    expect(request.url).toBe(path);
    response.end(path);
  }
  expect(await Promise.all(requests)).toEqual(["200 /1", "200 /2", "200 /3"]);
});
