import { afterEach, expect, test } from "vitest";
import type { Answer } from "../support/connections.ts";
import { statuses } from "../support/connections.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";

const SERVERS = 5;
const FLOWS = Array.from({ length: 10 }, (_, n) => `flow-${n}`);
const OF_EACH = 100;
const PATIENCE = { timeout: 50_000, interval: 5 };

let pool: SingleFlightPool;
afterEach(() => pool.stop());

/** Those of one half of the flows before those of the other, and one of each at a time: the order within each is certain. */
async function sendAll(): Promise<Promise<Answer>[]> {
  const answers: Promise<Answer>[] = [];
  for (const flows of [FLOWS.slice(0, 5), FLOWS.slice(5)]) {
    for (let n = 0; n < OF_EACH; n++) {
      for (const flow of flows) answers.push(pool.client.get(`/${flow}/${n}`, { "x-api-key": flow }));
      await pool.sluice.until("web", ({ queued }) => queued === answers.length);
    }
  }
  return answers;
}

/** Returns those that began before one that came so much earlier that both were never in flight at once. */
function overtaking(queries: readonly string[]): string[] {
  const numbers = queries.map((query) => Number(query.split("/")[2]));
  return queries.filter((_, n) =>
    numbers.slice(n + 1).some((later) => later <= (numbers[n] as number) - SERVERS),
  );
}

test("requests that go ahead do so after a crash as well, each within its flow", async () => {
  const priorities = [
    { header: "x-plan", value: "gold", ahead: "1m" },
    { header: "x-plan", value: "batch", ahead: "-1m" },
  ];
  pool = await SingleFlightPool.start(1, 10, { flow: "header:x-api-key", priorities });
  const { sluice, client, record } = pool;
  await sluice.drain("web");
  const answers: Promise<Answer>[] = [];
  for (const plan of ["batch", "plain", "gold"]) {
    for (const path of [`/a/${plan}/0`, `/b/${plan}/0`, `/a/${plan}/1`]) {
      answers.push(client.get(path, { "x-api-key": path.split("/")[1], "x-plan": plan }));
      await sluice.until("web", ({ queued }) => queued === answers.length);
    }
  }
  await sluice.crash("web");
  await sluice.until("web", ({ queued }) => queued === answers.length);
  await sluice.resume("web");
  expect(statuses(await Promise.all(answers))).toEqual({ 200: 9 });
  const order = ["gold", "plain", "batch"];
  expect(record.of("a")).toEqual(order.flatMap((plan) => [`/a/${plan}/0`, `/a/${plan}/1`]));
  expect(record.of("b")).toEqual(order.map((plan) => `/b/${plan}/0`));
});

test("a thousand requests of ten flows are all answered through two crashes, each flow's in order, and share the servers on", async () => {
  pool = await SingleFlightPool.start(SERVERS, 60, { flow: "header:x-api-key" });
  const { record, sluice } = pool;
  await sluice.drain("web");
  const answers = await sendAll();
  await sluice.resume("web");
  for (const begun of [50, 100]) {
    await expect.poll(() => record.begun.length, PATIENCE).toBeGreaterThanOrEqual(begun);
    await sluice.crash("web");
  }
  const from = record.begun.length;
  expect(statuses(await Promise.all(answers))).toEqual({ 200: FLOWS.length * OF_EACH });

  expect(pool.rejected).toBe(0);
  expect(new Set(record.begun).size).toBe(answers.length);
  for (const flow of FLOWS) expect(overtaking(record.of(flow))).toEqual([]);
  // As long as each of them has something.
  const to = Math.min(...FLOWS.map((flow) => record.begun.indexOf(record.of(flow).at(-1) as string)));
  // By the time that the slots were taken, as that is what is shared: a machine that stands still for a moment makes one of them longer.
  await sluice.logged(() => sluice.log.length === answers.length);
  const slotMs = new Map(sluice.log.map(({ path, originMs }) => [path, Number(originMs)]));
  const works = FLOWS.map((flow) =>
    record.of(flow, from, to).reduce((sum, query) => sum + (slotMs.get(query) ?? 0), 0),
  );
  const fair = works.reduce((sum, ms) => sum + ms, 0) / FLOWS.length;
  expect(Math.min(...works) / fair).toBeGreaterThan(0.9);
  expect(Math.max(...works) / fair).toBeLessThan(1.1);
});
