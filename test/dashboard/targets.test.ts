import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sluice } from "../support/sluice.ts";
import { openTab } from "./browser.ts";
import { PlayedList } from "./played-list.ts";
import { PlayedPool } from "./played-pool.ts";
import { aDeferredPool, aLease, aServer, drainedBy } from "./snapshots.ts";
import { press, sees, useStage } from "./stage.ts";

const LONG = "inference_cluster_eu_west_production_gpu_a100_80gb_number_01234";
const POOLS = ["web", LONG, ...Array.from({ length: 18 }, (_, n) => `pool-${n + 1}`)];

const stage = useStage();
let sluice: Sluice;
beforeAll(async () => {
  const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
  const pools = POOLS.map((name, n) => [name, { hosts: [`${n}.test`], servers, deferred: {} }]);
  sluice = await Sluice.start({ pools: Object.fromEntries(pools) });
});
afterAll(() => sluice?.stop());

/** What can be pressed and is smaller than 24 px one way; of a field in a label, the label. */
function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const targets = document.querySelectorAll("a, button, input, summary, [tabindex='0']");
    return [...targets].flatMap((target) => {
      const { left, width, height } = (target.closest("label") ?? target).getBoundingClientRect();
      const isInSight = target.checkVisibility() && left + width > 0;
      return isInSight && (width < 24 || height < 24) ? [`${target.outerHTML}: ${width} × ${height}`] : [];
    });
  });
}

function tooWide(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

describe.each([360, 1280, 2560])("at %d px", (width) => {
  async function at(hash: string): Promise<{ page: Page; pool: PlayedPool }> {
    const { page } = await openTab(stage.browser, { viewport: { width, height: 3_000 } });
    const list = await PlayedList.on(page);
    list.add({}, {}, { state: "queued" });
    const pool = await PlayedPool.on(page);
    await page.goto(`${sluice.url}/_sluice/${hash}`);
    await page.locator("#pool-links li").nth(19).waitFor({ state: "attached" });
    return { page, pool };
  }

  async function expectRoom(page: Page, state: string): Promise<void> {
    expect.soft(await tooSmall(page), `${state}: too small to press`).toEqual([]);
    expect.soft(await tooWide(page), `${state}: wider than the window`).toBe(0);
  }

  test("whatever can be pressed has 24 px each way, and nothing is wider than the window, whatever the names", async () => {
    const { page, pool } = await at(`#/${LONG}`);
    const names = [1, 2, 3].map((n) => `${LONG.slice(1)}${n}`);
    const servers = names.map((name) => aServer({ name, leases: [aLease(name)], health: "down" }));
    await pool.show(aDeferredPool({ queued: 1, failed: 2 }, { name: LONG, servers, ...drainedBy("admin") }));
    await sees(page, "#deferred-rows tr", "/orders/2");
    await expectRoom(page, "a drained pool");
    await page.keyboard.press("Tab");
    await expectRoom(page, "the link to the content");
    if (width < 640) {
      await page.locator("#all-pools").click();
      await expectRoom(page, "all pools");
    }
    await press(page, `Change… ${names[0]}`);
    await expectRoom(page, "a server's states");
    await press(page, "Cancel");
    await press(page, "Extend…");
    await expectRoom(page, "a drain to be extended");
    await press(page, "Cancel");
    const many = Array.from({ length: 60 }, (_, n) => aServer({ name: `web-${n}` }));
    await pool.show(aDeferredPool({}, { name: LONG, servers: many }));
    await expectRoom(page, "many slots");
  });

  test("and so in the overview, and where there is no pool", async () => {
    const { page } = await at("#/");
    await sees(page, ".card", "Nothing to do");
    await expectRoom(page, "overview");
    await page.goto(`${sluice.url}/_sluice/#/none`);
    await sees(page, "#absent", "No pool “none” is configured.");
    await expectRoom(page, "no such pool");
  });
});

test("the page of who is not signed in has a link as large", async () => {
  const context = await stage.browser.newContext({ httpCredentials: { username: "me", password: "wrong" } });
  const page = await context.newPage();
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(`${sluice.url}/_sluice/`);
  await page.getByRole("link", { name: "Sign in" }).waitFor();
  expect([await tooSmall(page), await tooWide(page)]).toEqual([[], 0]);
  await context.close();
});
