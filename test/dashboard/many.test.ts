import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Connections } from "../support/connections.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { visit } from "./browser.ts";
import { startBrowser } from "./chromium.ts";
import { figure, sees } from "./stage.ts";

const COUNT = 200;

let browser: Browser;
let origin: Origin;
let sluice: Sluice;
let client: Connections;
beforeAll(async () => {
  [browser, origin] = await Promise.all([
    startBrowser(),
    Origin.start((_, response) => response.end("done")),
  ]);
  const port = new URL(origin.url).port;
  // All of 127/8 is this machine. The origin listens on the first address, the others refuse connections.
  const servers = Array.from({ length: COUNT }, (_, n) => ({
    name: `inference-${n + 1}`,
    url: `http://127.0.0.${n + 1}:${port}`,
  }));
  sluice = await Sluice.start({ pools: { web: { balance: "first", servers } }, bundle: "production" });
  client = new Connections(sluice.url);
});
afterAll(async () => {
  client?.close();
  await sluice?.stop();
  await origin?.stop();
  await browser?.close();
});

test("with 200 servers each has a cell and a row, and what has the focus keeps it while they work", async () => {
  const { page } = await visit(browser, sluice.url, "#/web");
  await sees(page, "#slots-note", `${COUNT} slots`);
  expect(await page.locator(".cell").count()).toBe(COUNT);
  expect(await page.locator(".server").count()).toBe(COUNT);
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  await page.locator(".cell").first().focus();
  await page.keyboard.press("End");
  expect(await focused()).toBe(`inference-${COUNT} idle`);
  await page.keyboard.press("ArrowLeft");
  // The very same elements, not equal ones.
  const first = await page.locator(".cell").first().elementHandle();
  for (let round = 1; round <= 3; round++) {
    await client.get("/query");
    await expect.poll(() => figure(page, "Completed"), { timeout: 15_000 }).toBe(round);
  }
  expect(await focused()).toBe(`inference-${COUNT - 1} idle`);
  expect(await first?.evaluate((cell) => cell.isConnected)).toBe(true);
});

test.each([360, 768, 1280, 3840])("nothing is wider than a window of %d px", async (width) => {
  const { page } = await visit(browser, sluice.url, "#/web", { viewport: { width, height: 900 } });
  await sees(page, "#slots-note", `${COUNT} slots`);
  await sees(page, "#connection", "Live");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide).toBeLessThanOrEqual(width);
});
