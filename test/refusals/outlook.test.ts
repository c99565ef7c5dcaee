import { describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage(
  {
    full: { max_queue: 1 },
    late: { queue_timeout: "150ms" },
    keyed: { flow: "header:x-api-key", max_queue_per_flow: 1 },
    stored: { deferred: { max: 1 } },
    keyedstored: { flow: "header:x-api-key", max_queue_per_flow: 1, deferred: {} },
    stopped: {},
    pages: { max_queue: 0, pages: { "queue-full": "PAGE", "flow-queue-full": "PAGE" } },
  },
  { bundle: "production", texts: { PAGE: "again in {{retryAfter}} s" } },
);

const ask = (pool: string, headers: Record<string, string> = {}, method = "GET") =>
  send(stage.sluice.url, { method, headers: { Host: `${pool}.test`, ...headers } });

async function refused(pool: string, headers: Record<string, string> = {}, method = "GET") {
  const answer = await ask(pool, headers, method);
  return {
    status: answer.status,
    retryAfter: answer.headers["retry-after"],
    ...JSON.parse(String(answer.body)),
  };
}

/** As many as the pool has slots are at its server, and others wait; `free` answers all of them. */
async function fill(pool: string, waiting: number, headers: Record<string, string> = {}) {
  const before = (await stage.sluice.snapshot(pool)).queued;
  const answers = [ask(pool, headers)];
  const first = await stage.origin.arrival();
  for (let n = 0; n < waiting; n++) answers.push(ask(pool, headers));
  await stage.sluice.until(pool, ({ queued }) => queued === before + waiting);
  return async () => {
    stage.origin.answer = (_, response) => void response.end();
    first.response.end();
    await Promise.all(answers);
    stage.origin.reset();
  };
}

/** The pool then knows how long a request takes. */
async function serveOne(pool: string) {
  const answer = ask(pool);
  (await stage.origin.arrival()).response.end();
  await answer;
}

const SECONDS = expect.stringMatching(/^\d+$/);

describe("a program that is refused is told how many wait, for how long, and when to try again", () => {
  test("by a full list", async () => {
    await serveOne("full");
    const free = await fill("full", 1);
    expect(await refused("full")).toMatchObject({
      ...{ status: 503, code: "queue-full", retryAfter: SECONDS },
      ...{ queued: 1, estimatedWaitMs: expect.any(Number) },
    });
    await free();
  });

  test("by a full list of its own", async () => {
    await serveOne("keyed");
    const free = await fill("keyed", 1, { "x-api-key": "a" });
    expect(await refused("keyed", { "x-api-key": "a" })).toMatchObject({
      ...{ status: 429, code: "flow-queue-full", retryAfter: SECONDS },
      ...{ queued: 1, estimatedWaitMs: expect.any(Number) },
      detail: "As many of your requests as allowed are waiting already. Try again later.",
    });
    const other = ask("keyed", { "x-api-key": "b" });
    await stage.sluice.until("keyed", ({ queued }) => queued === 2);
    await free();
    expect((await other).status).toBe(200);
  });

  test("after it has waited too long, and that nobody knows where no request has been completed yet", async () => {
    const free = await fill("late", 0);
    expect(await refused("late")).toMatchObject({
      ...{ status: 503, code: "queue-timeout", retryAfter: SECONDS, queued: 0, estimatedWaitMs: null },
    });
    await free();
  });

  test("where too many requests are stored", async () => {
    await stage.sluice.drain("stored");
    expect((await ask("stored", { Prefer: "respond-async" }, "POST")).status).toBe(202);
    expect(await refused("stored", { Prefer: "respond-async" }, "POST")).toMatchObject({
      ...{ status: 503, code: "deferred-full", retryAfter: "30", queued: 1, estimatedWaitMs: null },
    });
  });

  test("where too many of its own are stored", async () => {
    await stage.sluice.drain("keyedstored");
    const headers = { Prefer: "respond-async", "x-api-key": "a" };
    expect((await ask("keyedstored", headers, "POST")).status).toBe(202);
    expect(await refused("keyedstored", headers, "POST")).toMatchObject({
      ...{ status: 429, code: "flow-queue-full", retryAfter: SECONDS, queued: 1, estimatedWaitMs: null },
    });
    expect((await ask("keyedstored", { ...headers, "x-api-key": "b" }, "POST")).status).toBe(202);
  });

  test("by a pool that is stopped, where nobody knows", async () => {
    const first = ask("stopped");
    const { response } = await stage.origin.arrival();
    const waiting = [refused("stopped"), refused("stopped")];
    await stage.sluice.until("stopped", ({ queued }) => queued === 2);
    await stage.sluice.stopPool("stopped");
    const told = await Promise.all(waiting);
    const stopped = { status: 503, code: "stopped", queued: expect.any(Number), estimatedWaitMs: null };
    expect(told).toMatchObject([stopped, stopped]);
    expect(Math.min(...told.map(({ retryAfter }) => Number(retryAfter)))).toBe(30);
    response.end();
    await first;
  });
});

describe("a person", () => {
  test("reads when to try again, in an own page as the header says it", async () => {
    const browser = { Accept: "text/html" };
    await stage.sluice.drain("pages");
    const own = await ask("pages", browser);
    expect(String(own.body)).toBe(`again in ${own.headers["retry-after"]} s`);
    await stage.sluice.drain("full");
    const waiting = ask("full");
    await stage.sluice.until("full", ({ queued }) => queued === 1);
    const ours = await ask("full", browser);
    expect(String(ours.body)).toContain(
      `<p>You may try again in ${ours.headers["retry-after"]} seconds.</p>`,
    );
    await stage.sluice.resume("full");
    (await stage.origin.arrival()).response.end();
    await waiting;
  });
});
