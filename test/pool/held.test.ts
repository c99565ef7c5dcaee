import { describe, expect, test } from "vitest";
import { Connections } from "../support/connections.ts";
import { Origin } from "../support/origin.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";
import { Sluice } from "../support/sluice.ts";
import { next, openWebSocket } from "../support/web-socket-client.ts";

/** 30 s for an orphan to be claimed; its holder renews every 10 s, and so attaches again. */
const LONGER_THAN_UNCLAIMED_MS = 34_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("what is held for longer than a lease lives unrenewed keeps its slot through a crash of the object", () => {
  test.concurrent("a long request", async ({ onTestFinished }) => {
    const pool = await SingleFlightPool.start(1, LONGER_THAN_UNCLAIMED_MS + 4_000);
    onTestFinished(() => pool.stop());
    const slow = pool.client.get("/slow");
    await pool.sluice.until("web", ({ inFlight }) => inFlight === 1);
    await pool.sluice.crash("web");
    const next = pool.client.get("/next");
    await pool.sluice.until("web", ({ queued }) => queued === 1);
    await pause(LONGER_THAN_UNCLAIMED_MS);
    const { quarantined, inFlight, queued } = await pool.sluice.snapshot("web");
    expect({ quarantined, inFlight, queued }).toEqual({ quarantined: 0, inFlight: 1, queued: 1 });
    for (const server of pool.servers) server.serviceMs = 1;
    expect((await slow).status).toBe(200);
    expect((await next).status).toBe(200);
    expect(pool.rejected).toBe(0);
  }, 90_000);

  test.concurrent("a WebSocket", async ({ onTestFinished }) => {
    const origin = await Origin.start();
    onTestFinished(() => origin.stop());
    const servers = [{ name: "web-1", url: origin.url }];
    const sluice = await Sluice.start({ pools: { web: { servers } } });
    onTestFinished(() => sluice.stop());
    const { client, server } = await openWebSocket({ sluice, origin });
    await sluice.crash("web");
    const others = new Connections(sluice.url);
    const waits = others.get("/next");
    await sluice.until("web", ({ queued }) => queued === 1);
    await pause(LONGER_THAN_UNCLAIMED_MS);
    const { quarantined, inFlight, queued } = await sluice.snapshot("web");
    expect({ quarantined, inFlight, queued }).toEqual({ quarantined: 0, inFlight: 1, queued: 1 });
    expect(origin.count).toBe(0);

    const message = next(client, "message");
    server.send("text", "still here");
    expect((await message).data).toBe("still here");
    client.send("and here");
    expect((await server.frame()).data.toString()).toBe("and here");
    server.sendClose(1000);
    (await origin.arrival()).response.end();
    expect((await waits).status).toBe(200);
    others.close();
  }, 90_000);
});
