import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage({
  web: { slots: 1, max_queue: 1, retries: 0, quarantine: { broken: "1ms" } },
  shop: { hosts: ["shop.test"], slots: 100 },
});

const FIELDS = ["requestId", "pool", "server", "method", "path", "status", "attempts"];
const TIMES = ["queueMs", "originMs", "totalMs", "bytes", "outcome"];
const TRACE = ["traceId", "spanId"];

const logOf = (path: string) => stage.sluice.logged((line) => line.path === path);

describe("each request has one JSON line on the console", () => {
  test("with exactly these fields, in this order", async () => {
    stage.origin.answer = (_request, response) => response.end("12345");
    await send(stage.sluice.url, {
      path: "/fields",
      method: "POST",
      body: "x",
      headers: { "X-Request-Id": "r1" },
    });
    const line = await logOf("/fields");
    expect(Object.keys(line)).toEqual([...FIELDS, ...TIMES, ...TRACE]);
    expect(line).toMatchObject({
      ...{ requestId: "r1", pool: "web", server: "web-1", method: "POST", path: "/fields", status: 200 },
      ...{ attempts: 1, bytes: 5, outcome: "ok" },
    });
    for (const time of ["queueMs", "originMs", "totalMs"]) expect(line[time]).toBeGreaterThanOrEqual(0);
    expect(stage.sluice.log.filter(({ requestId }) => requestId === "r1")).toHaveLength(1);
  });

  test.each([
    ["with its length", { "Content-Length": "3000000" }],
    ["in chunks", { "Transfer-Encoding": "chunked" }],
  ])("of a large answer %s, once its client has it", async (how, framing) => {
    stage.origin.answer = (_request, response) => {
      response.writeHead(200, framing).end(Buffer.alloc(3_000_000));
    };
    const path = `/large-${how.length}`;
    await send(stage.sluice.url, { path });
    expect(await logOf(path)).toMatchObject({ status: 200, bytes: 3_000_000, outcome: "ok" });
  });

  test("of a refusal, with its code", async () => {
    stage.origin.answer = (request) => request.socket.destroy();
    await send(stage.sluice.url, { path: "/broken" });
    const line = await logOf("/broken");
    expect(Object.keys(line)).toEqual([...FIELDS.slice(0, 6), "code", "attempts", ...TIMES, ...TRACE]);
    expect(line).toMatchObject({
      status: 502,
      code: "bad-gateway",
      attempts: 1,
      bytes: 0,
      outcome: "origin-error",
    });
  });

  test("of what never had a slot, with no server and no attempt", async () => {
    const ahead = send(stage.sluice.url);
    const { response } = await stage.origin.arrival();
    const queued = send(stage.sluice.url, { path: "/waited" });
    await stage.sluice.until("web", (snapshot) => snapshot.queued === 1);
    expect((await send(stage.sluice.url, { path: "/full" })).status).toBe(503);
    expect(await logOf("/full")).toMatchObject({
      ...{ pool: "web", server: null, status: 503, code: "queue-full", attempts: 0, outcome: "refused" },
    });
    response.end();
    await ahead;
    (await stage.origin.arrival()).response.end();
    await queued;
    const line = await logOf("/waited");
    expect(line.queueMs).toBeGreaterThan(0);
    expect(line.totalMs).toBeGreaterThanOrEqual(line.queueMs as number);
  });
});

describe("nothing private is in it", () => {
  test("no query, no header, no body", async () => {
    stage.origin.answer = (_request, response) => {
      response.writeHead(200, { "Set-Cookie": "secret-1", "X-Secret": "secret-2" }).end("secret-3");
    };
    await send(stage.sluice.url, {
      path: "/private?token=secret-4",
      method: "POST",
      body: "secret-5",
      headers: {
        Authorization: "Bearer secret-6",
        Cookie: "secret-7",
        Host: "shop.test",
        Referer: "secret-8",
      },
    });
    expect(await logOf("/private")).toMatchObject({ pool: "shop", status: 200 });
    expect(stage.sluice.output.join("\n")).not.toContain("secret");
  });

  test.each([
    ["a request id", "/id", { "X-Request-Id": '","outcome":"forged' }],
    ["a path", "/%22,%22outcome%22:%22forged%0A", {}],
  ])("and %s cannot forge a line", async (_what, path, headers) => {
    stage.origin.answer = (_request, response) => response.end();
    const before = stage.sluice.output.length;
    await send(stage.sluice.url, { path, headers });
    expect((await logOf(path)).outcome).toBe("ok");
    expect(stage.sluice.output.slice(before)).toHaveLength(1);
  });
});

test("wrangler.toml has Cloudflare keep these lines, all of them, and nothing beside them", () => {
  const { observability } = unstable_readConfig({ config: join(import.meta.dirname, "../../wrangler.toml") });
  expect(observability?.enabled).toBe(true);
  expect(observability?.head_sampling_rate ?? 1).toBe(1);
  expect(observability?.logs).toEqual({ enabled: true, invocation_logs: false });
});
