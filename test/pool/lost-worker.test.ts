import { expect, onTestFinished, test } from "vitest";
import { Connections } from "../support/connections.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { useStage } from "../support/stage.ts";
import { until } from "../support/until.ts";
import { Watcher } from "../support/watcher.ts";

// Only the test bundle has a Worker that dies with its client.
const stage = useStage({ web: { quarantine: { max: "1h" } } }, { bundle: "test" });

/** Well below the 30 s after which a lease that is not renewed counts as lost. */
const AT_ONCE_MS = 5_000;

/** A Worker that takes part in the pool `web` and dies after `ms`. */
function workerThatDies(ms: number) {
  const client = new Connections(stage.sluice.leaverUrl);
  return client.get("/__test/holder/web", { "x-leave-after": ms }).finally(() => client.close());
}

test("a Worker that dies with a slot which it has held for long is noticed at once: the slot goes to quarantine", async () => {
  const watcher = await Watcher.start(stage.sluice.url);
  const died = workerThatDies(500);
  await stage.sluice.until("web", ({ inFlight }) => inFlight === 1);
  expect((await died).status).toBe(499);
  const { servers } = await stage.sluice.until("web", ({ quarantined }) => quarantined === 1, AT_ONCE_MS);
  expect(await watcher.event("quarantine")).toMatchObject({ cause: "lost", server: "web-1" });
  watcher.leave();
  await stage.sluice.admin("DELETE", `/api/pools/web/leases/${servers[0]?.leases[0]?.id}`);
});

test("a Worker that dies while it waits is noticed at once: its ticket leaves the list", async () => {
  await stage.sluice.drain("web");
  const before = (await stage.sluice.snapshot("web")).totals;
  const died = workerThatDies(500);
  await stage.sluice.until("web", ({ queued }) => queued === 1);
  expect((await died).status).toBe(499);
  const { totals } = await stage.sluice.until("web", ({ queued }) => queued === 0, AT_ONCE_MS);
  expect(totals.abandoned).toBe(before.abandoned + 1);
  await stage.sluice.resume("web");
});

test("tickets of an isolate that dies before it has a handle of them leave the list, and keep nobody waiting", async () => {
  const held: (() => void)[] = [];
  const origin = await Origin.start((_, response) => void held.push(() => response.end("done")));
  const pools = { web: { servers: [{ name: "web-1", url: origin.url }], quarantine: { max: "1h" } } };
  const objects = await Sluice.start({ pools, opensObjects: true });
  const isolate = await Sluice.start({ pools, objectsAt: objects.objectsAt });
  onTestFinished(async () => {
    await objects.stop();
    await origin.stop();
  });
  const stays = new Connections(objects.url);
  const first = stays.get("/first");
  await objects.until("web", ({ inFlight }) => inFlight === 1);
  const dies = new Connections(isolate.url, 10);
  for (let n = 0; n < 10; n++) dies.get(`/dies/${n}`).catch(() => {});
  await objects.until("web", ({ queued }) => queued === 10);
  await isolate.stop();
  const next = stays.get("/next");
  const { totals } = await objects.until("web", ({ queued }) => queued === 1);
  expect(totals.abandoned).toBe(10);
  held.shift()?.();
  expect((await first).status).toBe(200);
  await until(
    () => held.length,
    (count) => count === 1,
  );
  held.shift()?.();
  expect((await next).status).toBe(200);
});
