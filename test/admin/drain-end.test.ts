import { describe, expect, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { get, stage } from "./support.ts";

describe("a drain that nobody resumes", () => {
  test("ends by itself, and the queue goes on in its order", async () => {
    const { sluice, origin } = await stage();
    await sluice.drain("web", { expires: "250ms" });
    const requests: Promise<string>[] = [];
    for (const path of ["/1", "/2"]) {
      requests.push(get(sluice, path));
      await sluice.until("web", ({ queued, state }) => queued === requests.length || state === "running");
    }
    for (const path of ["/1", "/2"]) {
      const { request, response } = await origin.arrival();
      expect(request.url).toBe(path);
      response.end("served");
    }
    expect(await Promise.all(requests)).toEqual(["200 served", "200 served"]);
    expect(await sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
  });

  test("ends when its last extension says so, not when the first one did", async () => {
    const { sluice, origin } = await stage();
    await sluice.drain("web", { expires: "50ms" });
    const response = await sluice.drain("web", { expires: "300ms" });
    const { drain } = (await response.json()) as Snapshot;
    const request = get(sluice, "/");
    (await origin.arrival()).response.end();
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(drain?.expiresAt ?? "") - 1);
    await request;
  });

  test("lets another owner begin one", async () => {
    const { sluice } = await stage();
    await sluice.drain("web", { owner: "deploy-42", expires: "1ms" });
    await sluice.until("web", ({ state }) => state === "running");
    expect((await sluice.drain("web", { owner: "deploy-43" })).status).toBe(200);
    expect((await sluice.resume("web", { owner: "deploy-42" })).status).toBe(409);
  });

  test("answers who waits for it when it ends", async () => {
    const { sluice, origin } = await stage();
    const request = get(sluice, "/");
    const { response } = await origin.arrival();
    const answer = await sluice.drain("web", { wait: "10m", expires: "50ms" });
    expect([answer.status, await answer.json()]).toMatchObject([202, { state: "running", inFlight: 1 }]);
    response.end();
    await request;
  });
});

describe("a drain through a crash of the pool's object", () => {
  test("keeps its owner, its reason, its beginning and its end", async () => {
    const { sluice } = await stage();
    await sluice.drain("web", { owner: "deploy-42", reason: "a new version", expires: "20m" });
    const { drain } = await sluice.snapshot("web");
    await sluice.crash("web");
    expect(await sluice.snapshot("web")).toMatchObject({ state: "drained", drain });
    expect((await sluice.drain("web", { owner: "deploy-43" })).status).toBe(409);
    expect((await sluice.resume("web", { owner: "deploy-42" })).status).toBe(200);
    await sluice.crash("web");
    expect(await sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
  });

  test("is still waited for, and answered when the last lease ends", async () => {
    const { sluice, origin } = await stage();
    const request = get(sluice, "/");
    const { response } = await origin.arrival();
    let answered = false;
    const waiting = sluice.drain("web", { owner: "deploy-42", wait: "10m" }).finally(() => {
      answered = true;
    });
    await sluice.until("web", ({ state }) => state === "draining");
    const before = await sluice.snapshot("web");
    for (let crashes = 0; crashes < 3; crashes++) {
      await sluice.crash("web");
      expect(await sluice.snapshot("web")).toMatchObject({ state: "draining", inFlight: 1 });
    }
    expect(answered).toBe(false);
    response.end("finished");
    expect(await request).toBe("200 finished");
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ state: "drained", inFlight: 0, drain: before.drain });
  });

  test("still lets the wait run out in time", async () => {
    const { sluice, origin } = await stage();
    const request = get(sluice, "/");
    const { response } = await origin.arrival();
    const waiting = sluice.drain("web", { wait: "300ms" });
    await sluice.until("web", ({ state }) => state === "draining");
    await sluice.crash("web");
    const answer = await waiting;
    expect([answer.status, await answer.json()]).toMatchObject([202, { state: "draining", inFlight: 1 }]);
    response.end();
    await request;
  });

  test("keeps those who wait, in their order, and answers them after resume", async () => {
    const { sluice, origin } = await stage();
    await sluice.drain("web");
    const requests: Promise<string>[] = [];
    for (const path of ["/1", "/2", "/3"]) {
      requests.push(get(sluice, path));
      await sluice.until("web", ({ queued }) => queued === requests.length);
    }
    await sluice.crash("web");
    await sluice.until("web", ({ queued }) => queued === 3);
    expect((await sluice.resume("web")).status).toBe(200);
    for (const path of ["/1", "/2", "/3"]) {
      const { request, response } = await origin.arrival();
      expect(request.url).toBe(path);
      response.end();
    }
    await Promise.all(requests);
  });

  test("ends by itself all the same", async () => {
    const { sluice, origin } = await stage();
    await sluice.drain("web", { expires: "300ms" });
    const request = get(sluice, "/");
    await sluice.until("web", ({ queued, state }) => queued === 1 || state === "running");
    await sluice.crash("web");
    (await origin.arrival()).response.end("served");
    expect(await request).toBe("200 served");
  });
});
