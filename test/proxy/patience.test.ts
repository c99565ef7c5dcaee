import { describe, expect, test } from "vitest";
import { type Answer, type Call, send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

// Only the test bundle can make a pool's object crash.
const stage = useStage(
  {
    web: {},
    held: {},
    crashes: {},
    lost: {},
    retried: { retries: 1, quarantine: { broken: "1ms" } },
    stores: { deferred: {} },
  },
  { bundle: "test" },
);

const ask = (pool: string, call: Call = {}) =>
  send(stage.sluice.url, { ...call, headers: { Host: `${pool}.test`, ...call.headers } });
const withPatience = (pool: string, prefer: string, call: Call = {}) =>
  ask(pool, { ...call, headers: { Prefer: prefer, ...call.headers } });

/** Holds the pool's only slot until `free`. */
async function occupy(pool: string) {
  const answer = ask(pool);
  const { response } = await stage.origin.arrival();
  return async () => {
    response.end();
    await answer;
  };
}

function refusedBy({ status, headers, body }: Answer) {
  const { code, detail } = JSON.parse(String(body));
  return {
    status,
    code,
    detail,
    applied: headers["preference-applied"],
    retryAfter: Number(headers["retry-after"]),
  };
}

const IMPATIENT = {
  status: 503,
  code: "queue-timeout",
  detail: "The request waited as long as its client prefers, and no server became free.",
};

describe("a request with Prefer: wait=N", () => {
  test("is refused once it has waited N seconds, and told that this was its own wish", async () => {
    const free = await occupy("web");
    const start = performance.now();
    const answer = await withPatience("web", "wait=1");
    expect(performance.now() - start).toBeGreaterThan(950);
    expect(refusedBy(answer)).toMatchObject({ ...IMPATIENT, applied: "wait=1" });
    expect(refusedBy(answer).retryAfter).toBeGreaterThan(0);
    await free();
    const { totals, queued } = await stage.sluice.snapshot("web");
    expect([queued, totals.refused["queue-timeout"]]).toEqual([0, 1]);
  });

  test("and N = 0 is refused at once where it would have to wait", async () => {
    const free = await occupy("web");
    expect(refusedBy(await withPatience("web", "wait=0"))).toMatchObject({ ...IMPATIENT, applied: "wait=0" });
    await free();
  });

  test("and N = 0 is served where a slot is free, and its server gets the header", async () => {
    const answer = withPatience("web", "wait=0");
    const { request, response } = await stage.origin.arrival();
    expect(request.headers.prefer).toBe("wait=0");
    response.end("served");
    const { status, headers, body } = await answer;
    expect([status, String(body)]).toEqual([200, "served"]);
    expect(headers).not.toHaveProperty("preference-applied");
  });

  test("is served as any other where a slot comes free in time", async () => {
    const free = await occupy("web");
    const answer = withPatience("web", "wait=300");
    await stage.sluice.until("web", ({ queued }) => queued === 1);
    await free();
    (await stage.origin.arrival()).response.end("served");
    expect((await answer).status).toBe(200);
  });

  test("waits no longer in a drain, where nobody knows the time", async () => {
    await stage.sluice.drain("held");
    for (const seconds of [0, 1]) {
      const answer = await withPatience("held", `wait=${seconds}`);
      expect(refusedBy(answer)).toMatchObject({ ...IMPATIENT, applied: `wait=${seconds}` });
      expect(JSON.parse(String(answer.body))).toMatchObject({ queued: 0, estimatedWaitMs: null });
    }
  });

  test("is refused in time though its pool restarts meanwhile, which keeps its turn", async () => {
    await stage.sluice.drain("crashes");
    const start = performance.now();
    const answer = withPatience("crashes", "wait=2");
    await stage.sluice.until("crashes", ({ queued }) => queued === 1);
    await stage.sluice.crash("crashes");
    expect(refusedBy(await answer)).toMatchObject({ ...IMPATIENT, applied: "wait=2" });
    expect(performance.now() - start).toBeGreaterThan(1_950);
  });

  test("is refused in time though its pool is out of reach by then", async () => {
    await stage.sluice.drain("lost");
    const answer = withPatience("lost", "wait=2");
    await stage.sluice.until("lost", ({ queued }) => queued === 1);
    await stage.sluice.losePool("lost");
    expect(refusedBy(await answer)).toMatchObject({ ...IMPATIENT, applied: "wait=2", retryAfter: 5 });
    await stage.sluice.findPool("lost");
  });

  test("is tried again only if that takes no longer: a retry has waited, too", async () => {
    stage.origin.answer = (request) => request.socket.destroy();
    const { status, code } = refusedBy(await withPatience("retried", "wait=0"));
    expect([status, code]).toEqual([503, "queue-timeout"]);
  });

  test("and respond-async is stored where the pool stores requests, and waits for its answer as ever", async () => {
    const free = await occupy("stores");
    const { status, headers } = await withPatience("stores", "respond-async, wait=0", { method: "POST" });
    expect([status, headers["preference-applied"]]).toEqual([202, "respond-async"]);
    await free();
    (await stage.origin.arrival()).response.end();
  });
});
