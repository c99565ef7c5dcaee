import { describe, expect, test } from "vitest";
import { begin, type Call, send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const quarantine = { max: "30s", broken: "1ms" };
const stage = useStage({
  web: { hosts: ["web.test"], retries: 0, quarantine, server_timeout: "150ms" },
  full: { max_queue: 0 },
  late: { queue_timeout: "150ms" },
  down: { when_down: "refuse" },
  held: { when_down: "hold", queue_timeout: "150ms" },
  refused: { servers: [{ name: "nobody", url: "http://127.0.0.1:9" }], retries: 0, quarantine },
  unresolved: { servers: [{ name: "nobody", url: "http://nowhere.invalid" }], retries: 0, quarantine },
});

async function refusal(pool: string, call: Call = {}) {
  const answer = await send(stage.sluice.url, {
    ...call,
    headers: { Host: `${pool}.test`, ...call.headers },
  });
  return { ...answer, problem: JSON.parse(answer.body.toString()) };
}

/** Holds the pool's only slot until `free`. */
async function occupy(pool: string) {
  const answer = send(stage.sluice.url, { headers: { Host: `${pool}.test` } });
  const { response } = await stage.origin.arrival();
  return async () => {
    response.end();
    await answer;
  };
}

const maintain = (pool: string) =>
  stage.sluice.admin("PATCH", `/api/pools/${pool}/servers/web-1`, { state: "maint" });

describe("a request is refused", () => {
  test("with 404 no-pool where no pool serves its host and path", async () => {
    const { status, problem } = await refusal("nobody");
    expect([status, problem.code]).toEqual([404, "no-pool"]);
    expect(problem).not.toHaveProperty("pool");
  });

  test("with 503 queue-full where max_queue requests wait already", async () => {
    const free = await occupy("full");
    const { status, problem, headers } = await refusal("full");
    expect([status, problem.code, problem.pool]).toEqual([503, "queue-full", "full"]);
    expect(headers["retry-after"]).toMatch(/^\d+$/);
    await free();
    expect((await stage.sluice.snapshot("full")).totals.refused["queue-full"]).toBeGreaterThan(0);
  });

  test("before its upload is over, if that is long", async () => {
    const free = await occupy("full");
    const headers = { Host: "full.test", "Content-Length": 5_000_000 };
    const { request, response } = begin(stage.sluice.url, { method: "POST", headers });
    request.write(Buffer.alloc(1_500_000));
    expect((await response).statusCode).toBe(503);
    request.destroy();
    await free();
  });

  test("with 503 queue-timeout after it has waited queue_timeout", async () => {
    const free = await occupy("late");
    const start = performance.now();
    const { status, problem, headers } = await refusal("late");
    expect(performance.now() - start).toBeGreaterThan(140);
    expect([status, problem.code, problem.pool]).toEqual([503, "queue-timeout", "late"]);
    expect(headers["retry-after"]).toMatch(/^\d+$/);
    await free();
  });

  test("with 503 no-server where every server is out and when_down says so", async () => {
    expect((await maintain("down")).status).toBe(200);
    const { status, problem, headers } = await refusal("down");
    expect([status, problem.code, problem.pool]).toEqual([503, "no-server", "down"]);
    expect(headers["retry-after"]).toMatch(/^\d+$/);
  });

  test("only after queue_timeout where when_down says to hold it", async () => {
    expect((await maintain("held")).status).toBe(200);
    expect((await refusal("held")).problem.code).toBe("queue-timeout");
  });

  test.each([["refused"], ["unresolved"]])(
    "with 502 bad-gateway where the connection is %s",
    async (pool) => {
      const { status, problem } = await refusal(pool);
      expect([status, problem.code, problem.pool]).toEqual([502, "bad-gateway", pool]);
    },
  );

  test("with 502 bad-gateway where the server breaks off before its headers", async () => {
    stage.origin.answer = (request) => request.socket.destroy();
    expect((await refusal("web", { method: "POST" })).problem).toMatchObject({
      code: "bad-gateway",
      status: 502,
    });
  });

  test("with 504 server-timeout where the server says nothing for server_timeout", async () => {
    const { status, problem } = await refusal("web");
    expect([status, problem.code, problem.pool]).toEqual([504, "server-timeout", "web"]);
  });
});

describe("its answer", () => {
  test("is a problem with the request's id, in the body and in X-Request-Id", async () => {
    const { problem, headers } = await refusal("nobody", { headers: { "X-Request-Id": "id-7" } });
    expect(headers["content-type"]).toBe("application/problem+json");
    expect(headers["x-request-id"]).toBe("id-7");
    expect(Object.keys(problem)).toEqual(["type", "title", "status", "detail", "instance", "code"]);
    expect(problem.instance).toBe("id-7");
  });

  test("is a page for a browser, and without a body for HEAD", async () => {
    const headers = { Host: "nobody.test", Accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
    const page = await send(stage.sluice.url, { headers });
    expect([page.status, page.headers["content-type"]]).toEqual([404, "text/html; charset=utf-8"]);
    expect(page.body.toString()).toMatch(/^<!doctype html>/);
    const head = await send(stage.sluice.url, { headers, method: "HEAD" });
    expect([head.status, head.body.length]).toEqual([404, 0]);
  });

  test("names nothing internal: no server, no address, no stack", async () => {
    for (const pool of ["refused", "unresolved", "down", "nobody"]) {
      for (const accept of ["*/*", "text/html"]) {
        const answer = await send(stage.sluice.url, { headers: { Host: `${pool}.test`, Accept: accept } });
        expect(answer.status).toBeGreaterThanOrEqual(404);
        expect(answer.body.toString()).not.toMatch(
          /127\.0|invalid|web-1|"nobody"|\.js|\.ts| at |Error|Durable|stub/,
        );
      }
    }
  });
});
