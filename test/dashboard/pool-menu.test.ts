import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sluice } from "../support/sluice.ts";
import { visit } from "./browser.ts";
import { sees, useStage } from "./stage.ts";

const stage = useStage();
const NAMES = ["web", ...Array.from({ length: 19 }, (_, n) => `pool-${n + 1}`)];

let sluice: Sluice;
let few: Sluice;
beforeAll(async () => {
  [sluice, few] = await Promise.all([startWith(NAMES), startWith(NAMES.slice(0, 3))]);
  await Promise.all([sluice.drain("pool-7"), sluice.losePool("pool-12"), few.drain("pool-1")]);
});
afterAll(async () => {
  await sluice?.stop();
  await few?.stop();
});

function startWith(names: string[]): Promise<Sluice> {
  const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
  const pools = names.map((name, n) => [name, { hosts: [`${n}.test`], servers }]);
  return Sluice.start({ pools: Object.fromEntries(pools) });
}

/** The links in the bar at the top that are to be seen. */
function links(page: Page): Promise<string[]> {
  return page.locator("#pool-links a:visible").allTextContents();
}

const PHONE = { viewport: { width: 360, height: 740 } };

describe("on a phone, of twenty pools", () => {
  test("the one in view and those that do not run are to be seen, with their state", async () => {
    const { page } = await visit(stage.browser, sluice.url, "#/pool-3", PHONE);
    await sees(page, "#pools", "pool-7 drained");
    expect(await links(page)).toEqual(["pool-3", "pool-7 drained", "pool-12 not reached"]);
    const bar = await page.locator(".top").boundingBox();
    // The first thing of the pool is above the fold.
    expect(bar?.height).toBeLessThan(370);
  });

  test("all are a press away, each as high as a thumb, and one that is chosen closes the list", async () => {
    const { page } = await visit(stage.browser, sluice.url, "#/web", PHONE);
    await sees(page, "#pools", "pool-7 drained");
    const all = page.getByRole("button", { name: "All 20 pools" });
    expect(await all.getAttribute("aria-expanded")).toBe("false");
    await all.click();
    expect(await all.getAttribute("aria-expanded")).toBe("true");
    expect(await links(page)).toHaveLength(20);
    for (const link of await page.locator("#pool-links a").all())
      expect((await link.boundingBox())?.height).toBeGreaterThanOrEqual(35);
    await page.getByRole("link", { name: "pool-19", exact: true }).first().click();
    await sees(page, "#pool-title", "pool-19");
    expect(await all.getAttribute("aria-expanded")).toBe("false");
    expect(await links(page)).toContain("pool-19");
  });

  test("the keyboard opens, walks and closes the list, and the focus is never lost", async () => {
    const { page } = await visit(stage.browser, sluice.url, "#/web", PHONE);
    await sees(page, "#pools", "pool-7 drained");
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await page.locator("#all-pools").focus();
    await page.keyboard.press("Enter");
    for (let n = 0; n < 3; n++) await page.keyboard.press("Tab");
    expect(await focused()).toBe("pool-2");
    await page.keyboard.press("Escape");
    expect(await focused()).toBe("All 20 pools");
    expect(await links(page)).not.toContain("pool-2");
    await page.keyboard.press("Enter");
    for (let n = 0; n < 3; n++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await sees(page, "#pool-title", "pool-2");
    expect(await focused()).toBe("pool-2");
    expect(await links(page)).toContain("pool-2");
  });
});

test("a few pools are all to be seen on a phone, and twenty in a wide window, without a button", async () => {
  const { page: phone } = await visit(stage.browser, few.url, "#/web", PHONE);
  await sees(phone, "#pools", "pool-1 drained");
  expect(await links(phone)).toEqual(["web", "pool-1 drained", "pool-2"]);
  const { page: wide } = await visit(stage.browser, sluice.url, "#/web");
  await sees(wide, "#pools", "pool-7 drained");
  expect(await links(wide)).toHaveLength(20);
  for (const page of [phone, wide]) expect(await page.locator("#all-pools").isVisible()).toBe(false);
});
