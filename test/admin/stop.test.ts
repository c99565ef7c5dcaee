import { describe, expect, test } from "vitest";
import type { DrainSnapshot, Snapshot } from "../../src/scheduler/snapshot.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";
import { get, problemOf, stage } from "./support.ts";

const stateOf = async (response: Response) => {
  const { state } = (await response.json()) as Snapshot;
  return `${response.status} ${state}`;
};

describe("a pool that is stopped", () => {
  test("refuses who waits and who comes, with the message, while what is in flight finishes; resume ends it", async () => {
    const { sluice, origin } = await stage();
    const first = get(sluice, "/1");
    const { response } = await origin.arrival();
    const waiting = [fetch(`${sluice.url}/2`), fetch(`${sluice.url}/3`)];
    await sluice.until("web", ({ queued }) => queued === 2);
    expect(await stateOf(await sluice.stopPool("web", { message: "Back at nine." }))).toBe("202 stopping");
    // Nothing but the stop ends their wait: the server has not answered yet.
    for (const answer of [...waiting, fetch(`${sluice.url}/4`)]) {
      const problem = await problemOf(await answer, 503, "stopped");
      expect(problem).toMatchObject({ detail: "Back at nine.", pool: "web" });
    }
    const stopped = sluice.stopPool("web", { wait: "10m" });
    response.end("finished");
    expect([await first, await stateOf(await stopped)]).toEqual(["200 finished", "200 stopped"]);
    const { drain, queued } = await sluice.snapshot("web");
    expect(drain).toMatchObject({ owner: "admin", stop: { message: "Back at nine." }, cut: null });
    expect(queued).toBe(0);
    await sluice.resume("web");
    const next = get(sluice, "/5");
    (await origin.arrival()).response.end("served");
    expect([await next, origin.count]).toEqual(["200 served", 2]);
  });

  test("says so in its own words where the operator has none, and says when to come again", async () => {
    const { sluice } = await stage();
    await sluice.stopPool("web");
    const response = await fetch(sluice.url);
    expect(response.headers.get("retry-after")).toBe("30");
    const { detail } = await problemOf(response, 503, "stopped");
    expect(detail).toBe("The service is stopped for now. Try again later.");
  });

  test("shows the message to browsers, as a text", async () => {
    const { sluice } = await stage();
    await sluice.stopPool("web", { message: "Back at <b>nine</b>." });
    const page = await (await fetch(sluice.url, { headers: { Accept: "text/html" } })).text();
    expect(page).toContain("Back at &lt;b&gt;nine&lt;/b&gt;.");
  });

  test("keeps deferred requests that it has accepted, and accepts no new ones", async () => {
    const { sluice, origin } = await stage({ deferred: { when: "drained" } });
    await sluice.drain("web");
    const post = () => fetch(sluice.url, { method: "POST" });
    expect((await post()).status).toBe(202);
    await sluice.stopPool("web", { message: "Back at nine." });
    const asked = fetch(sluice.url, { method: "POST", headers: { Prefer: "respond-async" } });
    for (const answer of [post(), asked]) {
      const { detail } = await problemOf(await answer, 503, "stopped");
      expect(detail).toBe("Back at nine.");
    }
    expect((await sluice.snapshot("web")).deferred).toMatchObject({ queued: 1 });
    await sluice.resume("web");
    (await origin.arrival()).response.end("served");
    await sluice.until("web", ({ deferred }) => deferred?.answered === 1);
  });

  test("under load has every request answered or refused, and goes on when it is resumed", async () => {
    const pool = await SingleFlightPool.start(4, 20);
    try {
      let isOver = false;
      const answers: string[] = [];
      const clients = Array.from({ length: 40 }, async (_, n) => {
        for (let request = 0; !isOver; request++) {
          const { status, body } = await pool.client.get(`/${n}/${request}`);
          answers.push(status === 503 ? `503 ${JSON.parse(body).detail}` : `${status} ${body}`);
        }
      });
      const served = () => pool.served.length;
      await expect.poll(served).toBeGreaterThan(100);
      expect(await stateOf(await pool.sluice.stopPool("web", { wait: "1m", message: "Moving." }))).toBe(
        "200 stopped",
      );
      const before = served();
      expect(await pool.sluice.snapshot("web")).toMatchObject({ queued: 0, inFlight: 0 });
      await expect.poll(() => answers.filter((one) => one === "503 Moving.").length).toBeGreaterThan(40);
      expect(served()).toBe(before);
      await pool.sluice.resume("web");
      await expect.poll(served).toBeGreaterThan(before + 100);
      isOver = true;
      await Promise.all(clients);
      expect(new Set(answers)).toEqual(new Set(["200 done\n", "503 Moving."]));
      expect(answers.filter((one) => one.startsWith("200")).length).toBe(served());
      expect(pool.rejected).toBe(0);
    } finally {
      await pool.stop();
    }
  });
});

describe("a stop", () => {
  test("is one of an owner: another's drain and stop are held, and say that it is stopped", async () => {
    const { sluice } = await stage();
    await sluice.stopPool("web", { owner: "move", expires: "1h" });
    for (const response of [await sluice.drain("web"), await sluice.stopPool("web", { owner: "other" })]) {
      const problem = await problemOf(response, 409, "drain-held");
      expect(problem.detail).toMatch(/^"move", begun by "admin", has stopped this pool since /);
      expect((problem.drain as DrainSnapshot).stop).toEqual({ message: null });
    }
  });

  test("becomes a drain by the same owner's word, and that a stop again", async () => {
    const { sluice, origin } = await stage();
    await sluice.stopPool("web");
    expect(await stateOf(await sluice.drain("web"))).toBe("200 drained");
    const waiting = get(sluice, "/");
    await sluice.until("web", ({ queued }) => queued === 1);
    expect(await stateOf(await sluice.stopPool("web"))).toBe("200 stopped");
    expect(await waiting).toContain("503");
    expect(origin.count).toBe(0);
  });

  test("goes on after a crash of the pool's object", async () => {
    const { sluice } = await stage();
    await sluice.stopPool("web", { message: "Back at nine." });
    await sluice.crash("web");
    expect((await problemOf(await fetch(sluice.url), 503, "stopped")).detail).toBe("Back at nine.");
    expect((await sluice.snapshot("web")).state).toBe("stopped");
  });

  test("ends by itself when its time is over", async () => {
    const { sluice } = await stage();
    await sluice.stopPool("web", { expires: "50ms" });
    await sluice.until("web", ({ state }) => state === "running");
  });

  test("shows in the metrics", async () => {
    const { sluice } = await stage();
    await sluice.stopPool("web");
    await fetch(sluice.url);
    const text = await (await sluice.admin("GET", "/metrics")).text();
    expect(text).toContain('sluice_pool_state{pool="web",state="stopped"} 1');
    expect(text).toContain('sluice_pool_state{pool="web",state="drained"} 0');
    expect(text).toContain('sluice_requests_total{pool="web",code="stopped"} 1');
  });
});
