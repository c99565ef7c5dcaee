import { describe, expect, test } from "vitest";
import { Connections } from "../support/connections.ts";
import { type Handler, Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

describe("a server that says it is not ready, or breaks its health checks off", () => {
  const unwell: Record<string, Handler> = {
    "not ready": (_, response) => response.writeHead(503).end(),
    "broken off": (request) => request.socket.destroy(),
  };

  test.each(Object.keys(unwell))(
    "has not restarted when it is well again: its slot stays closed (%s)",
    async (how) => {
      let health: Handler = (_, response) => response.end("well");
      const origin = await Origin.start((request, response) => {
        if (request.url === "/health") health(request, response);
        else if (request.url !== "/long") response.end("ok");
      });
      const check = { path: "/health", interval: "100ms", rise: 1, fall: 2 };
      const sluice = await Sluice.start({
        pools: {
          web: {
            servers: [{ name: "s0", url: origin.url, slots: 2 }],
            server_timeout: "300ms",
            quarantine: { max: "1h", broken: "50ms" },
            check,
          },
        },
      });
      const client = new Connections(sluice.url);
      try {
        expect((await client.get("/short")).status).toBe(200);
        expect((await client.get("/long")).status).toBe(504);
        health = unwell[how] as Handler;
        await sluice.until("web", ({ servers }) => servers[0]?.health === "down");
        health = (_, response) => response.end("well");
        await sluice.until("web", ({ servers }) => servers[0]?.health === "up");
        expect((await sluice.snapshot("web")).quarantined).toBe(1);
      } finally {
        client.close();
        await sluice.stop();
        await origin.stop();
      }
    },
  );
});
