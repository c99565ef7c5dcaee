import { afterEach, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { Connections, statuses } from "../support/connections.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

test("a server whose busy flag clears 20 ms after its answer rejects none of 400 requests with a cooldown", async () => {
  pool = await SingleFlightPool.start(1, 1, { cooldown: "50ms", queue_timeout: "2m" });
  for (const server of pool.servers) server.afterglowMs = 20;
  const answers = await Promise.all(Array.from({ length: 400 }, (_, n) => pool.client.get(`/${n}`)));
  expect(statuses(answers)).toEqual({ 200: 400 });
  expect(pool.rejected).toBe(0);
});

test("a request that takes longer than server_timeout is answered 504, and those behind it when the server is done", async () => {
  pool = await SingleFlightPool.start(1, 2_000, {
    server_timeout: "1s",
    quarantine: { max: "10s", probe: "/idle" },
  });
  const answers = await pool.sendInOrder(3);
  expect((await answers[0])?.status).toBe(504);
  for (const server of pool.servers) server.serviceMs = 10;
  expect((await Promise.all(answers)).map((answer) => answer.status)).toEqual([504, 200, 200]);
  expect(pool.rejected).toBe(0);
});

test("a server that works a cancelled request to its end is given the next one when its probe says that it has", async () => {
  pool = await SingleFlightPool.start(1, 700, {
    on_client_abort: "cancel",
    quarantine: { cancel: "1h", probe: "/idle" },
  });
  const left = send(pool.sluice.leaverUrl, { path: "/cancelled", headers: { "x-leave-after": "told" } });
  await expect.poll(() => pool.servers[0]?.busy).toBe(true);
  await pool.sluice.tellLeavers();
  await pool.sluice.until("web", ({ quarantined }) => quarantined === 1);
  expect((await pool.client.get("/next")).status).toBe(200);
  expect(pool.served).toEqual(["/cancelled", "/next"]);
  expect(pool.rejected).toBe(0);
  await left;
});

test("without a probe, the slot opens when quarantine.max is over", async () => {
  pool = await SingleFlightPool.start(1, 1_200, { server_timeout: "400ms", quarantine: { max: "1500ms" } });
  const answers = await pool.sendInOrder(2);
  expect((await answers[0])?.status).toBe(504);
  for (const server of pool.servers) server.serviceMs = 10;
  expect((await answers[1])?.status).toBe(200);
  expect(pool.rejected).toBe(0);
});

test("a quarantined slot is free at once when its server was down, refused a connection and is up again", async () => {
  pool = await SingleFlightPool.start(1, 60_000, {
    server_timeout: "300ms",
    quarantine: { max: "1h", broken: "50ms" },
    check: { path: "/health", interval: "100ms", rise: 1, fall: 2 },
    slots: 2,
  });
  const [server] = pool.servers;
  expect((await pool.client.get("/hangs")).status).toBe(504);
  const client = new Connections(pool.sluice.url);
  await server?.stop();
  const stoppedAt = new Date().toISOString();
  await pool.sluice.until("web", ({ servers: [shown] }) => {
    return shown?.health === "down" && (shown.lastCheck?.at ?? "") > stoppedAt;
  });
  if (server) server.serviceMs = 1;
  await server?.start();
  await pool.sluice.until(
    "web",
    ({ quarantined, servers }) => quarantined === 0 && servers[0]?.health === "up",
  );
  expect((await client.get("/next")).status).toBe(200);
  client.close();
});
