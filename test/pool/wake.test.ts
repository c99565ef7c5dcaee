import { describe, expect, onTestFinished, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

/** Whom the pool asks for servers. */
async function scaler(): Promise<Origin> {
  const origin = await Origin.start();
  onTestFinished(() => origin.stop());
  return origin;
}

async function stage(wakeUrl: string, keys: object = {}, texts = {}): Promise<Sluice> {
  const wake = { url: `${wakeUrl}/up?now`, every: "1s" };
  const sluice = await Sluice.start({ pools: { web: { register: { urls: ["*"] }, wake, ...keys } }, texts });
  onTestFinished(() => sluice.stop());
  return sluice;
}

const get = async (sluice: Sluice) => {
  const response = await fetch(sluice.url, { headers: { Accept: "application/json" } });
  return `${response.status} ${(await response.text()).slice(0, 40)}`;
};

async function bodyOf({ request }: Awaited<ReturnType<Origin["arrival"]>>): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

describe("a pool whose requests wait for a server that is not there", () => {
  test("asks for one, again while that lasts, and gives them to the one that comes", async () => {
    const [scale, server] = [await scaler(), await scaler()];
    const wake = {
      ...{ url: `${scale.url}/up?now`, every: "1s" },
      headers: { Authorization: { secret: "WAKE_TOKEN" } },
    };
    const sluice = await stage(scale.url, { wake }, { WAKE_TOKEN: "Bearer up" });
    const waiting = get(sluice);
    const first = await scale.arrival();
    expect(first.request).toMatchObject({ method: "POST", url: "/up?now" });
    expect(first.request.headers).toMatchObject({ authorization: "Bearer up", "user-agent": "Sluice" });
    const told = await bodyOf(first);
    expect(told).toEqual({
      pool: "web",
      queued: 1,
      oldestWaitMs: expect.any(Number),
      at: expect.any(String),
    });
    first.response.writeHead(202).end();
    const { lastWake } = await sluice.until("web", (pool) => pool.lastWake?.got === "status 202");
    expect(lastWake?.at).toBe(told.at);
    const second = await scale.arrival();
    expect(
      Date.parse(String((await bodyOf(second)).at)) - Date.parse(String(told.at)),
    ).toBeGreaterThanOrEqual(1_000);
    second.response.writeHead(202).end();
    await sluice.admin("PUT", "/api/pools/web/servers/gpu-7", { url: server.url });
    (await server.arrival()).response.end("served");
    expect(await waiting).toBe("200 served");
  });

  test("says what it got where nobody listens", async () => {
    const scale = await scaler();
    const { url } = scale;
    await scale.stop();
    const sluice = await stage(url);
    void get(sluice).catch(() => {});
    await sluice.until("web", (pool) => pool.lastWake?.got === "no connection");
  });

  test("asks nobody while it is drained, nor after a restart before its time", async () => {
    const scale = await scaler();
    scale.answer = (_, response) => response.writeHead(202).end();
    const pools = {
      web: {
        ...{ register: { urls: ["*"] }, deferred: { when: "always", methods: ["POST"] } },
        wake: { url: scale.url, every: "1h" },
      },
    };
    let sluice = await Sluice.start({ pools });
    onTestFinished(() => sluice.stop());
    await sluice.drain("web");
    expect((await fetch(sluice.url, { method: "POST" })).status).toBe(202);
    expect((await sluice.snapshot("web")).lastWake).toBeUndefined();
    await sluice.resume("web");
    const before = (await sluice.until("web", (pool) => pool.lastWake?.got === "status 202")).lastWake;
    sluice = await Sluice.start({ pools, folder: await sluice.stopKeepingStorage() });
    expect(await sluice.snapshot("web")).toMatchObject({ queued: 1, lastWake: before });
    expect((await fetch(sluice.url, { method: "POST" })).status).toBe(202);
    expect(await sluice.snapshot("web")).toMatchObject({ queued: 2, lastWake: before });
    expect(scale.count).toBe(1);
  });
});

test("a pool that refuses for lack of servers asks for one once, however many come", async () => {
  const scale = await scaler();
  scale.answer = (_, response) => response.writeHead(202).end();
  const sluice = await stage(scale.url, { when_down: "refuse", wake: { url: scale.url, every: "1h" } });
  const answers = await Promise.all(Array.from({ length: 20 }, () => get(sluice)));
  expect(answers.filter((answer) => answer.startsWith("503"))).toHaveLength(20);
  await sluice.until("web", (pool) => pool.lastWake?.got === "status 202");
  expect(await get(sluice)).toMatch(/^503/);
  expect(scale.count).toBe(1);
});
