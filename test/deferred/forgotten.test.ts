import { readdirSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { Deferrer } from "./support.ts";

/** Larger than what an empty database takes, and smaller than any of the bodies below. */
const EMPTY_BYTES = 64 * 1024;
const BODY = Buffer.alloc(1_500_000, "x");

/** All that is in a folder of databases, table by table; the runtime's own bookkeeping of versions apart. */
function contentsOf(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sqlite"))
    .flatMap((name) => {
      const database = new DatabaseSync(join(folder, name));
      const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
      const rows = tables.flatMap(({ name: table }) => {
        const { count } = database.prepare(`SELECT COUNT(*) AS count FROM "${table}"`).get() ?? {};
        return table === "_cf_METADATA" || count === 0 ? [] : [`${name} ${table}: ${count}`];
      });
      database.close();
      const { size } = statSync(join(folder, name));
      return size > EMPTY_BYTES ? [...rows, `${name}: ${size} bytes`] : rows;
    });
}

test("nothing is left of requests that nobody ever fetched, that failed, were canceled, refused or broken off", async () => {
  const origin = await Origin.start((request, response) => {
    if (request.url === "/fails") request.socket.destroy();
    else response.end(BODY);
  });
  const deferred = { keep: "1s", expires: "5s", max: 5, max_body: "2MiB" };
  const pools = { web: { servers: [{ name: "a", url: origin.url }], deferred, retries: 0 } };
  const sluice = await Sluice.start({ pools });
  const client = new Deferrer(() => sluice);
  const key = { "Idempotency-Key": "k" };
  await client.ended(await client.defer("/answered", { body: BODY, headers: key }));
  await client.ended(await client.defer("/fails", { body: BODY }));
  await sluice.drain("web");
  await client.cancel(await client.defer("/canceled", { body: BODY }));
  for (let n = 0; n < 5; n++) await client.defer("/expires", { body: BODY });
  expect((await client.send("/full", { body: BODY })).status).toBe(503);
  expect(
    (
      await client.send("/too-large", {
        body: Buffer.concat([BODY, BODY]),
        headers: { "Transfer-Encoding": "chunked" },
      })
    ).status,
  ).toBe(413);
  expect((await sluice.snapshot("web")).deferred).toMatchObject({ queued: 5 });
  await sluice.until("web", ({ deferred: left }) => Object.values(left ?? {}).every((count) => count === 0));

  const folder = await sluice.stopKeepingStorage();
  expect(contentsOf(join(folder, "sluice-deferred"))).toEqual([]);
  const inPool = contentsOf(join(folder, "sluice-pool")).filter((line) => line.includes(" deferred"));
  expect(inPool).toEqual([]);
  await rm(folder, { recursive: true, force: true });
  await origin.stop();
});
