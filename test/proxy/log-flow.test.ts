import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Deferrer } from "../deferred/support.ts";
import { type Call, send } from "../support/client.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { useStage } from "../support/stage.ts";

const FLOW = {
  flow: "header:x-api-key",
  priorities: [
    { header: "x-plan", value: "gold", ahead: "1m" },
    { method: "PUT", ahead: "-30s" },
  ],
};

const stage = useStage({
  web: { ...FLOW, slots: 100, retries: 0, deferred: { max_body: "10B" } },
  closed: { ...FLOW },
  plain: { slots: 100, deferred: {} },
});
const client = new Deferrer(() => stage.sluice);

/** Whose requests they are; nobody but their server may know it. */
const KEY = "secret-key-of-acme";
const HASH = createHash("sha256").update(KEY).digest("hex").slice(0, 16);
const HEADERS = { "X-Api-Key": KEY, "X-Plan": "gold" };

const logOf = (path: string, outcome: string) =>
  stage.sluice.logged((line) => line.path === path && line.outcome === outcome);

async function served(path: string, call: Call = {}) {
  stage.origin.answer = (_, response) => response.end("done");
  await send(stage.sluice.url, { path, ...call });
  return logOf(path, "ok");
}

describe("the log has of each request", () => {
  test("whose it is, as a hash, and by how much it went ahead", async () => {
    expect(await served("/gold", { headers: HEADERS })).toMatchObject({ flow: HASH, ahead: 60_000 });
    const put = await served("/behind", { method: "PUT", body: "", headers: { "X-Api-Key": KEY } });
    expect(put).toMatchObject({ flow: HASH, ahead: -30_000 });
  });

  test("neither, where nothing tells it", async () => {
    const headers = { ...HEADERS, Host: "plain.test" };
    for (const line of [await served("/nobody"), await served("/plain", { headers })]) {
      expect(line).not.toHaveProperty("flow");
      expect(line).not.toHaveProperty("ahead");
    }
  });

  test("both when it is stored, and when it is worked", async () => {
    stage.origin.answer = (_, response) => response.end("done");
    await client.ended(await client.defer("/later", { headers: HEADERS }));
    for (const outcome of ["deferred", "ok"])
      expect(await logOf("/later", outcome)).toMatchObject({ deferred: true, flow: HASH, ahead: 60_000 });
  });

  test.each<[string, string, Call]>([
    ["as its pool is stopped", "stopped", { headers: { ...HEADERS, Host: "closed.test" } }],
    [
      "as it is too large to be stored",
      "body-too-large",
      { method: "POST", body: "longer than ten bytes", headers: { ...HEADERS, Prefer: "respond-async" } },
    ],
    [
      "as its webhook is not allowed",
      "webhook-refused",
      {
        method: "POST",
        headers: { ...HEADERS, Prefer: "respond-async", "Sluice-Webhook": "https://evil.test/" },
      },
    ],
    [
      "as its handshake is none",
      "invalid-request",
      { headers: { ...HEADERS, Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": "8" } },
    ],
  ])("both when it is refused %s", async (_, code, call) => {
    await stage.sluice.stopPool("closed");
    const path = `/${code}`;
    await send(stage.sluice.url, { path, ...call });
    expect(await logOf(path, "refused")).toMatchObject({ code, flow: HASH, ahead: 60_000 });
  });
});

describe("what tells whose a request is", () => {
  /** The text of all files of this kind of object. */
  async function stored(folder: string, kind: string): Promise<string> {
    const names = await readdir(join(folder, kind));
    const files = await Promise.all(names.map((name) => readFile(join(folder, kind, name), "latin1")));
    return files.join("\n");
  }

  test("is with the stored request alone, and neither in log, snapshot, events and metrics nor in the pool's ledger", async () => {
    const origin = await Origin.start((_, response) => response.end("done"));
    onTestFinished(() => origin.stop());
    const servers = [{ name: "web-1", url: origin.url }];
    const sluice = await Sluice.start({ pools: { web: { ...FLOW, servers, deferred: {}, max_queue: 1 } } });
    const own = new Deferrer(() => sluice);
    await send(sluice.url, { headers: HEADERS });
    await sluice.drain("web");
    await own.defer("/stored", { headers: HEADERS });
    const direct = send(sluice.url, { headers: HEADERS }).catch(() => {});
    const snapshot = await sluice.until("web", ({ queued }) => queued === 2);
    expect((await send(sluice.url, { headers: HEADERS })).status).toBe(503);
    const metrics = await (await sluice.admin("GET", "/metrics")).text();
    const list = await (await sluice.admin("GET", "/api/pools/web/deferred")).text();
    const seen = [...sluice.output, JSON.stringify(snapshot), metrics, list].join("\n");
    const folder = await sluice.stopKeepingStorage();
    await direct;
    expect(seen).toContain(HASH);
    expect(seen).not.toContain(KEY);
    const ledger = await stored(folder, "sluice-pool");
    expect(ledger).toContain(HASH);
    expect(ledger).not.toContain(KEY);
    // It has to be sent to the server later.
    expect(await stored(folder, "sluice-deferred")).toContain(KEY);
  });
});
