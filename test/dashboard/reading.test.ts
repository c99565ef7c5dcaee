import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Sluice } from "../support/sluice.ts";
import { openTab } from "./browser.ts";
import { PlayedPool } from "./played-pool.ts";
import { aPool } from "./snapshots.ts";
import { sees, useStage } from "./stage.ts";

const stage = useStage();
let sluice: Sluice;
beforeAll(async () => {
  sluice = await Sluice.start({
    pools: { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } },
  });
});
afterAll(() => sluice?.stop());

/** The page of a pool whose waiting list has grown by one every five seconds, and whose longest wait by two seconds. */
async function shown(options: BrowserContextOptions = {}): Promise<{ page: Page; pool: PlayedPool }> {
  const { page } = await openTab(stage.browser, options);
  const pool = await PlayedPool.on(page);
  await page.goto(`${sluice.url}/_sluice/#/web`);
  await sees(page, "#pool-title", "web");
  const steps = Array.from({ length: 110 }, (_, n) => n);
  await pool.record({
    from: new Date(Date.now() - 550_000).toISOString(),
    stepMs: 5_000,
    queued: steps,
    oldestWaitMs: steps.map((n) => n * 2_000),
  });
  await pool.show(aPool({ queued: 110, oldestWaitMs: 220_000 }));
  await page.locator("#queue-chart").scrollIntoViewIfNeeded();
  return { page, pool };
}

/** What both charts say of the time that is pointed to: how many waited, and for how long the first of them. */
async function readings(page: Page): Promise<string[]> {
  return page.locator(".reading:visible").allTextContents();
}

/** The number of the five seconds to which both belong, if they do. */
async function step(page: Page): Promise<number> {
  const [queued = "", wait = ""] = await readings(page);
  const [, time, count] = /^(.*:\d\d): (\d+) requests?$/.exec(queued) ?? [];
  const [, sameTime, minutes = "0", seconds = "0"] =
    /^(.*:\d\d): (?:(\d+) min ?)?(?:([\d.]+) s)?/.exec(wait) ?? [];
  expect([time, 2 * Number(count)]).toEqual([sameTime, 60 * Number(minutes) + Number(seconds)]);
  return Number(count);
}

async function middle(page: Page, part: number): Promise<{ x: number; y: number }> {
  const box = await page.locator("#queue-chart .u-over").boundingBox();
  return { x: (box?.x ?? 0) + (box?.width ?? 0) * part, y: (box?.y ?? 0) + (box?.height ?? 0) / 2 };
}

const layout = (page: Page) =>
  page
    .locator(".panel, .chart, canvas")
    .evaluateAll((all) => all.map((one) => JSON.stringify(one.getBoundingClientRect())));

test("under the pointer both charts say what was then, and nothing else on the page moves", async () => {
  const { page } = await shown();
  const before = await layout(page);
  for (const part of [0.2, 0.5, 0.95]) {
    const { x, y } = await middle(page, part);
    await page.mouse.move(x, y);
    // The chart goes on, by a second each second.
    await expect.poll(() => step(page)).toBeGreaterThan(110 * part - 4);
    expect(await step(page)).toBeLessThan(110 * part + 4);
  }
  expect(await layout(page)).toEqual(before);
  await page.mouse.move(1, 1);
  await expect.poll(() => readings(page)).toEqual([]);
});

test("the keyboard reads it too, and a screen reader is told", async () => {
  const { page } = await shown();
  const chart = page.getByRole("slider", { name: "Requests waiting" });
  expect(await page.getByRole("slider", { name: "Oldest wait" }).count()).toBe(1);
  await chart.focus();
  await expect.poll(() => readings(page)).toHaveLength(2);
  await page.keyboard.press("End");
  await expect.poll(() => step(page)).toBe(110);
  const told = () => chart.getAttribute("aria-valuetext");
  expect(await told()).toMatch(/:\d\d: 110 requests$/);
  await page.keyboard.press("PageDown");
  const minuteBefore = await step(page);
  expect([97, 98, 99]).toContain(minuteBefore);
  await page.keyboard.press("ArrowLeft");
  expect(await step(page)).toBe(minuteBefore - 1);
  await page.keyboard.press("Home");
  expect(await step(page)).toBe(0);
  expect(await told()).toMatch(/: 0 requests$/);
  await page.keyboard.press("Escape");
  await expect.poll(() => readings(page)).toEqual([]);
  // The words beside the chart stay as they were, for who cannot see it.
  await sees(page, "#queue-words", "Now 110 requests; most 110 requests.");
});

test("so does a finger, and what it has touched stays until another place is touched", async () => {
  const { page } = await shown({ hasTouch: true, viewport: { width: 360, height: 740 } });
  const { x, y } = await middle(page, 0.5);
  await page.touchscreen.tap(x, y);
  await expect.poll(() => readings(page)).toHaveLength(2);
  expect(Math.abs((await step(page)) - 55)).toBeLessThan(4);
  await page.locator("#curves-title").tap();
  await expect.poll(() => readings(page)).toEqual([]);
});

test("where nothing is known, it says so", async () => {
  const { page, pool } = await shown();
  await pool.lose();
  await sees(page, "#queue-words", "Now unknown");
  await page.locator("#queue-chart").focus();
  await page.keyboard.press("End");
  await expect
    .poll(() => readings(page))
    .toEqual([expect.stringMatching(/: unknown$/), expect.stringMatching(/: unknown$/)]);
});
