import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { shardWords } from "../../src/dashboard/page/shards.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { Sluice } from "../support/sluice.ts";
import { shardWith } from "../support/snapshots.ts";
import { visit } from "./browser.ts";
import { startBrowser } from "./chromium.ts";
import { PlayedPool } from "./played-pool.ts";
import { aPool, aServer } from "./snapshots.ts";
import { sees } from "./stage.ts";

let browser: Browser;
let sluice: Sluice;
beforeAll(async () => {
  const pools = { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } };
  [browser, sluice] = await Promise.all([startBrowser(), Sluice.start({ pools })]);
});
afterAll(async () => {
  await sluice?.stop();
  await browser?.close();
});

/** The page of a pool that is played. */
async function played(width: number): Promise<{ page: Page; show: (pool: Snapshot) => Promise<void> }> {
  const { page, complaints } = await visit(browser, sluice.url, "", { viewport: { width, height: 1_200 } });
  const pool = await PlayedPool.on(page);
  await page.goto("about:blank");
  await page.goto(`${sluice.url}/_sluice/#/web`);
  await sees(page, "#pool-title", "web");
  const show = async (snapshot: Snapshot) => {
    await pool.show(snapshot);
    expect(complaints).toEqual([]);
  };
  return { page, show };
}

test("the page shows each shard, and which of them is not reached", async () => {
  const { page, show } = await played(1280);
  const servers = [aServer({ shard: 0 }), aServer({ name: "web-2", shard: 1 }), aServer({ name: "web-3" })];
  const shards = [
    shardWith({ slots: 8, inFlight: 3, queued: 1_200 }),
    shardWith({ shard: 1, slots: 4, reachable: false }),
  ];
  await show(aPool({ servers, shards }));
  const list = page.getByRole("region", { name: "Shards" }).getByRole("listitem");
  expect(await list.allTextContents()).toEqual([
    "0 3 of 8 in flight, 1,200 waiting",
    "1 not reached; before: 0 of 4 in flight, 0 waiting",
  ]);
  await sees(page, "#state", "1 of 2 shards not reached");
  const addresses = await page.locator(".server .name .note").allTextContents();
  expect(addresses.map((words) => words.split(" · ")[1])).toEqual(["shard 0", "shard 1", undefined]);
  await show(aPool({ servers }));
  expect(await page.locator("#shards").isHidden()).toBe(true);
});

test("as many shards as a pool may have fit into the window of a phone", async () => {
  const { page, show } = await played(360);
  const most = { slots: 10_000, inFlight: 10_000, queued: 999_999 };
  const shards = Array.from({ length: 64 }, (_, shard) =>
    shardWith({ shard, reachable: shard % 2 === 0, ...most }),
  );
  await show(aPool({ shards }));
  expect(await page.locator("#shard-list li").count()).toBe(64);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

test("a shard is told with what it has, or had when it was last heard of", () => {
  const shard = shardWith({ slots: 8, inFlight: 3, queued: 1_200 });
  expect(shardWords(shard)).toBe("3 of 8 in flight, 1,200 waiting");
  expect(shardWords({ ...shard, reachable: false })).toBe(
    "not reached; before: 3 of 8 in flight, 1,200 waiting",
  );
});
