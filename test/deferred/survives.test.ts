import { afterEach, describe, expect, test } from "vitest";
import { SingleFlightPool } from "../support/single-flight-pool.ts";
import { Deferrer, inTurns } from "./support.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

const paths = (count: number, prefix = "") => Array.from({ length: count }, (_, n) => `${prefix}/${n}`);

describe("requests that are accepted in a drain", () => {
  test("are all answered once, 1,000 of them and in order, though the runtime is killed twice before the resume", async () => {
    pool = await SingleFlightPool.start(1, 2, { deferred: {} });
    const client = new Deferrer(() => pool.sluice);
    await pool.sluice.drain("web", { owner: "deploy" });
    const ids: string[] = [];
    for (const path of paths(1_000)) {
      if (ids.length === 300 || ids.length === 700) {
        await pool.killAndStartAgain();
        // The pool knows them all, and nobody is woken for that.
        const { deferred } = await pool.sluice.snapshot("web");
        expect([deferred?.queued, await pool.sluice.awoken()]).toEqual([ids.length, 0]);
      }
      ids.push(await client.defer(path, { body: `the body of ${path}` }));
    }
    const drained = await pool.sluice.snapshot("web");
    expect(drained).toMatchObject({ state: "drained", queued: 1_000, deferred: { queued: 1_000 } });

    await pool.sluice.resume("web", { owner: "deploy" });
    await client.ended(ids.at(-1) as string);
    await pool.sluice.until("web", ({ deferred }) => deferred?.answered === 1_000);
    expect(pool.served).toEqual(paths(1_000));
    expect(pool.rejected).toBe(0);
    const responses = await inTurns(ids, 20, (id) => client.response(id));
    expect(responses.map(({ status, headers, body }) => `${status} ${headers["x-query"]} ${body}`)).toEqual(
      paths(1_000).map((path) => `200 ${path} done\n`),
    );
  }, 120_000);

  test("go on after a kill without anybody calling: what waited, and what may be sent again", async () => {
    pool = await SingleFlightPool.start(1, 300, { deferred: {}, server_timeout: "1s" });
    const client = new Deferrer(() => pool.sluice);
    const ids = await Promise.all(paths(3).map((path) => client.defer(path, { method: "PUT" })));
    await pool.sluice.until("web", ({ deferred }) => deferred?.running === 1);
    await pool.killAndStartAgain();
    const ends = await Promise.all(ids.map((id) => client.ended(id)));
    expect(ends.map(({ state }) => state)).toEqual(["answered", "answered", "answered"]);
    expect(pool.rejected).toBe(0);
    expect(new Set(pool.served)).toEqual(new Set(paths(3)));
  });
});

describe("direct and deferred requests", () => {
  test("have one order for all, 500 of each", async () => {
    pool = await SingleFlightPool.start(1, 2, { deferred: {} });
    const client = new Deferrer(() => pool.sluice);
    await pool.sluice.drain("web", { owner: "deploy" });
    const answers: Promise<{ status: number }>[] = [];
    const ids: string[] = [];
    for (let n = 0; n < 500; n++) {
      answers.push(pool.client.get(`/direct/${n}`));
      await pool.sluice.until("web", ({ totals }) => totals.accepted === 2 * n + 1);
      ids.push(await client.defer(`/deferred/${n}`));
    }
    await pool.sluice.resume("web", { owner: "deploy" });
    await client.ended(ids.at(-1) as string);
    await pool.sluice.until("web", ({ deferred }) => deferred?.answered === 500);
    const statuses = (await Promise.all(answers)).map(({ status }) => status);

    expect(statuses).toEqual(Array(500).fill(200));
    const inOrder = paths(500).flatMap((path) => [`/direct${path}`, `/deferred${path}`]);
    expect(pool.served).toEqual(inOrder);
    expect(pool.rejected).toBe(0);
  }, 120_000);
});
