import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { startBrowser } from "./chromium.ts";
import { sees } from "./stage.ts";

const MOST_BYTES = 80_000;
const POOLS = { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } };

let browser: Browser;
let sluice: Sluice;
beforeAll(async () => {
  [browser, sluice] = await Promise.all([
    startBrowser(),
    Sluice.start({ pools: POOLS, bundle: "production" }),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await sluice?.stop();
});

test("a browser receives the whole page, headers included, in few requests and less than 80 KB", async () => {
  const context = await browser.newContext({ httpCredentials: { username: "me", password: TOKEN } });
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  const urls = new Map<string, string>();
  const received = new Map<string, number>();
  network.on("Network.requestWillBeSent", ({ requestId, request }) => urls.set(requestId, request.url));
  network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const url = urls.get(requestId) ?? "";
    // Requests for pools go on while the page is open.
    if (!url.includes("/api/")) received.set(url, encodedDataLength);
  });
  await page.goto(`${sluice.url}/_sluice/#/web`);
  await sees(page, "#connection", "Live");
  await context.close();
  const bytes = [...received.values()].reduce((sum, size) => sum + size, 0);
  expect(received.size).toBe(4);
  // None of it came from a cache.
  expect(bytes).toBeGreaterThan(30_000);
  expect(bytes).toBeLessThan(MOST_BYTES);
});
