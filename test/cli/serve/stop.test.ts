import { describe, expect, onTestFinished, test } from "vitest";
import { Deferrer } from "../../deferred/support.ts";
import { type Answer, send } from "../../support/client.ts";
import { Connections } from "../../support/connections.ts";
import { Origin } from "../../support/origin.ts";
import { next, openWebSocket } from "../../support/web-socket-client.ts";
import { Fleet, Project, type Served } from "./support.ts";

/** Requests `/0`, `/1` …, each on a connection of its own, all of them known to the pool. */
async function sendAll(served: Served, count: number): Promise<Promise<Answer>[]> {
  const before = (await served.snapshot()).totals.accepted;
  const answers = Array.from({ length: count }, (_, n) => send(served.url, { path: `/${n}` }));
  for (const answer of answers) answer.catch(() => {});
  await served.until(({ totals }) => totals.accepted === before + count);
  return answers;
}

const codeOf = ({ body }: Answer) => JSON.parse(String(body)).code;

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  test("lets all requests that are in flight or wait end, and refuses new ones with 503", async () => {
    const fleet = await Fleet.start(2, 300);
    const project = await Project.make({ web: { servers: fleet.list } });
    const served = await project.serve();
    const answers = await sendAll(served, 6);
    served.run.kill(signal);
    let late = await send(served.url, { path: "/late" });
    while (late.status === 200) late = await send(served.url, { path: "/late" });
    expect([late.status, codeOf(late)]).toEqual([503, "stopping"]);
    expect(late.headers["retry-after"]).toBe("2");
    // The admin side goes on.
    expect((await send(served.url, { path: "/_sluice" })).headers.location).toBe("/_sluice/");
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(await served.run.code).toBe(0);
    expect(fleet.rejected).toBe(0);
    const again = await (await project.serve()).snapshot();
    expect(again).toMatchObject({ state: "running", inFlight: 0, quarantined: 0 });
  });
});

describe("a stop", () => {
  test("under load drops nothing: every client is answered, or told that Sluice is being stopped", async () => {
    const fleet = await Fleet.start(4, 20);
    const served = await (await Project.make({ web: { servers: fleet.list } })).serve();
    const connections = new Connections(served.url);
    let answered = 0;
    const clients = Array.from({ length: 20 }, async (_, client) => {
      for (let n = 0; ; n++) {
        const answer = await connections.get(`/${client}/${n}`);
        if (answer.status !== 200) return [answer.status, JSON.parse(answer.body).code];
        if (++answered === 200) served.run.kill("SIGTERM");
      }
    });
    expect(await Promise.all(clients)).toEqual(Array(20).fill([503, "stopping"]));
    connections.close();
    expect(await served.run.code).toBe(0);
    expect(fleet.rejected).toBe(0);
    expect(fleet.served).toHaveLength(answered);
    expect(served.log.filter(({ outcome }) => outcome === "ok")).toHaveLength(answered);
  });

  test("counts what is below the admin side's path on another host, or merely seems to be, as any other", async () => {
    const fleet = await Fleet.start(1, 2_000);
    const vars = { POOLS: { web: { servers: fleet.list } }, ADMIN_HOST: "127.0.0.1" };
    const served = await (await Project.make({}, { vars })).serve("--grace", "1s");
    const begun = [
      send(served.url, { path: "/_sluice/app", headers: { Host: "app.test" } }),
      send(served.url, { path: "/_sluice/../app" }),
    ].map((answer) => answer.catch(() => null));
    await served.until(({ inFlight, queued }) => inFlight + queued === 2);
    served.run.kill("SIGTERM");
    expect((await Promise.all(begun)).map((answer) => answer && codeOf(answer))).toEqual([
      "stopping",
      "stopping",
    ]);
    expect(await served.run.code).toBe(0);
  });

  test("waits for a WebSocket until it is closed", async () => {
    const origin = await Origin.start();
    onTestFinished(() => origin.stop());
    const servers = [{ name: "web-1", url: origin.url }];
    const served = await (await Project.make({ web: { servers } })).serve();
    const { client, server } = await openWebSocket({ origin, sluice: served });
    served.run.kill("SIGTERM");
    await served.run.printed("a second signal ends it at once");
    client.send("still there?");
    server.send("text", (await server.frame()).data);
    expect((await next(client, "message")).data).toBe("still there?");
    server.sendClose(1000);
    await next(client, "close");
    expect(await served.run.code).toBe(0);
  });

  test("keeps the drain of an operator, and refuses who waits in it when half of the grace is over", async () => {
    const fleet = await Fleet.start(1, 50);
    const project = await Project.make({ web: { servers: fleet.list } });
    const served = await project.serve("--grace", "1s");
    await served.admin("/drain", { owner: "ops" });
    const waiting = await sendAll(served, 3);
    expect(await served.stop()).toBe(0);
    expect((await Promise.all(waiting)).map((answer) => [answer.status, codeOf(answer)])).toEqual(
      Array(3).fill([503, "stopping"]),
    );
    expect(fleet.served).toEqual([]);
    expect(served.run.stderr).toContain("sluice: refused 3 requests, not answered in time\n");
    expect(await (await project.serve()).snapshot()).toMatchObject({ drain: { owner: "ops" }, queued: 0 });
  });

  test("gives no server to who still waits in the second half, so that nobody is cut off at its end", async () => {
    const fleet = await Fleet.start(1, 1_000);
    const project = await Project.make({ web: { servers: fleet.list } });
    const served = await project.serve("--grace", "1500ms");
    const answers = await sendAll(served, 3);
    expect(await served.stop()).toBe(0);
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(fleet.served.length);
    expect(statuses).toContain(503);
    // Its own drain is over with the next start.
    const again = await project.serve();
    expect(await again.snapshot()).toMatchObject({ state: "running", drain: null });
    expect((await send(again.url, { path: "/again" })).status).toBe(200);
    expect(fleet.rejected).toBe(0);
    const { changes } = await again.audit();
    expect(changes).toMatchObject([
      { act: "resume", by: "sluice serve", via: "serve", answer: "done" },
      { act: "drain", by: "sluice serve", via: "serve", answer: "done" },
    ]);
  });

  test("lets a deferred request end that a server works on, and keeps those that wait", async () => {
    const fleet = await Fleet.start(1, 500);
    const project = await Project.make({ web: { servers: fleet.list, deferred: {} } });
    let served = await project.serve();
    const deferrer = new Deferrer(() => served);
    const [first, second] = [await deferrer.defer("/1"), await deferrer.defer("/2")];
    await deferrer.until(first, "running");
    expect(await served.stop()).toBe(0);
    expect(fleet.served).toEqual(["/1"]);
    served = await project.serve();
    expect((await deferrer.status(first)).state).toBe("answered");
    expect((await deferrer.ended(second)).state).toBe("answered");
    expect(fleet.served).toEqual(["/1", "/2"]);
  });

  test("refuses, when the grace is over, who is still not answered, and keeps the slot of the server at work", async () => {
    const fleet = await Fleet.start(1, 3_000);
    const project = await Project.make({ web: { servers: fleet.list } });
    const served = await project.serve("--grace", "500ms");
    const [answer] = await sendAll(served, 1);
    await served.until(({ inFlight }) => inFlight === 1);
    expect(await served.stop()).toBe(0);
    expect((await answer)?.status).toBe(503);
    expect(await (await project.serve()).snapshot()).toMatchObject({ state: "running", inFlight: 1 });
  });

  test("is not held up by an operator who watches", async () => {
    const fleet = await Fleet.start(1, 0);
    const served = await (await Project.make({ web: { servers: fleet.list } })).serve("--grace", "1h");
    const watching = await served.admin("/events");
    expect(watching.status).toBe(200);
    expect(await served.stop()).toBe(0);
    await watching.body?.cancel().catch(() => {});
  });

  test("ends at once by a second signal", async () => {
    const fleet = await Fleet.start(1, 60_000);
    const served = await (await Project.make({ web: { servers: fleet.list } })).serve("--grace", "1h");
    const [answer] = await sendAll(served, 1);
    served.run.kill("SIGTERM");
    await served.run.printed("a second signal ends it at once");
    served.run.kill("SIGTERM");
    expect(await served.run.code).toBe(143);
    expect(served.run.stderr).toContain("The runtime has ended before all requests had");
    await expect(answer).rejects.toThrow();
  });
});
