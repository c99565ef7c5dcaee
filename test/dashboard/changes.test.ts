import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { Relay } from "../support/relay.ts";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { visit } from "./browser.ts";
import { startBrowser } from "./chromium.ts";
import { outcome, press, sees } from "./stage.ts";

let browser: Browser;
let sluice: Sluice;
const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
/** Nobody changes `idle`; `many` has many changes. */
const POOLS = Object.fromEntries(
  ["web", "idle", "many"].map((name) => [name, { hosts: [`${name}.test`], servers }]),
);
beforeAll(async () => {
  [browser, sluice] = await Promise.all([startBrowser(), Sluice.start({ pools: POOLS })]);
});
afterAll(async () => {
  await sluice?.stop();
  await browser?.close();
});
beforeEach(() => sluice.resume("web", { force: true }));

const ASKED = /\/api\/audit/;

async function open(path = "#/web", url = sluice.url) {
  const { page, complaints, requested } = await visit(browser, url, path);
  await sees(page, "#connection", "Live");
  const asked = () => requested.filter((url) => ASKED.test(url)).map((url) => new URL(url).search);
  return { page, complaints, asked };
}

const unfold = (page: Page) => page.locator("#changes summary").click();
const first = (page: Page) => page.locator("#changes-list li").first();

/** With an address of its own, as behind Cloudflare. */
async function drainFrom(address: string, body: object): Promise<void> {
  const response = await fetch(`${sluice.url}/_sluice/api/pools/web/drain`, {
    method: "POST",
    headers: {
      Authorization: `Basic ${Buffer.from(`jane:${TOKEN}`).toString("base64")}`,
      "CF-Connecting-IP": address,
      "User-Agent": "curl/8",
    },
    body: JSON.stringify(body),
  });
  await response.body?.cancel();
}

test("an operator opens the list, and sees who has done what, when, from where, and what came of it", async () => {
  await drainFrom("203.0.113.7", { owner: "deploy-42", reason: "v2" });
  const network = await Relay.start(sluice.url);
  onTestFinished(() => network.cut());
  const { page, complaints, asked } = await open("#/web", network.url);
  expect(asked()).toEqual([]);
  await unfold(page);
  await sees(page, "#changes-list li", /^\S.*“jane” asked to drain as “deploy-42” \(“v2”\) – done\./);
  await sees(page, "#changes-list li", "From 203.0.113.7, signed in by ADMIN_TOKEN, with curl/8");
  expect(await first(page).locator("time").getAttribute("datetime")).toMatch(/^\d{4}-.*Z$/);

  // Of what is done here, and refused here.
  await press(page, "Resume…");
  await press(page, "Resume all the same");
  await outcome(page, "“admin” ended the drain of “deploy-42” by force");
  await sees(page, "#changes-list li:first-child", /“admin” asked to resume, whosever drain it is – done\./);
  await press(page, "Drain…");
  // Of which the page does not know yet.
  network.hold("GET /_sluice/api/pools/web/events");
  await drainFrom("203.0.113.7", { owner: "deploy-43" });
  await press(page, "Drain");
  await sees(page, "#dialog-problem", /deploy-43/);
  network.release();
  await press(page, "Cancel");
  await sees(
    page,
    "#changes-list li:first-child",
    /“admin” asked to drain – refused \(drain-held\): another/,
  );
  // The browser's own console has the 409.
  expect(complaints.filter((one) => !one.includes("409"))).toEqual([]);
});

test("the list comes up to date by itself when somebody else has done something, and is not asked for in between", async () => {
  const { page, asked } = await open();
  await unfold(page);
  await first(page).waitFor();
  const before = asked().length;
  await page.clock.install();
  for (let n = 0; n < 10; n++) await page.clock.runFor(1_000);
  expect(asked()).toHaveLength(before);
  await sluice.admin("PATCH", "/api/pools/web/servers/web-1", { weight: 7 });
  await sees(page, "#events li", "weight 7");
  await page.clock.runFor(3_000);
  await sees(page, "#changes-list li:first-child", /“admin” asked to set “web-1”: weight 7 – done\./);
});

test("by keyboard alone the list is opened, and closed again", async () => {
  const { page } = await open();
  await page.locator("#changes summary").focus();
  await page.keyboard.press("Enter");
  await first(page).waitFor();
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("changes-scroll");
  await page.locator("#changes summary").focus();
  await page.keyboard.press("Enter");
  await first(page).waitFor({ state: "hidden" });
});

test("a pool of which nobody has changed anything says so", async () => {
  const { page } = await open("#/idle");
  await unfold(page);
  await sees(page, "#changes-shown", "Nobody has changed anything yet.");
});

test("each pool has its own, and those of another are gone at once", async () => {
  const { page } = await open();
  await unfold(page);
  await first(page).waitFor();
  await page.goto(`${sluice.url}/_sluice/#/idle`);
  await sees(page, "#pool-title", "idle");
  await sees(page, "#changes-shown", "Nobody has changed anything yet.");
  expect(await page.locator("#changes-list li").count()).toBe(0);
});

test("text of others is text", async () => {
  const evil = '<img src=x onerror="document.title=1"> & <b>';
  await drainFrom(evil, { owner: evil, reason: evil });
  const { page, complaints } = await open();
  await unfold(page);
  await sees(page, "#changes-list li:first-child", `asked to drain as “${evil}” (“${evil}”) – done.`);
  await sees(page, "#changes-list li:first-child", `From ${evil}`);
  expect(await page.locator("#changes img, #changes li b").count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("a long list comes fifty at a time, and the focus is not lost with the last of them", async () => {
  for (let n = 0; n < 60; n++) await sluice.admin("DELETE", `/api/pools/many/leases/${n}`);
  const { page, asked } = await open("#/many");
  await unfold(page);
  await sees(page, "#changes-shown", "The latest 50.");
  const more = page.getByRole("button", { name: "50 more" });
  await more.focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => page.locator("#changes-list li").count()).toBe(60);
  expect(await more.isHidden()).toBe(true);
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("changes-scroll");
  expect(asked()).toEqual(["?pool=many&limit=50", "?pool=many&limit=100"]);
});

test("a list that cannot be asked for says so, and comes back by itself", async () => {
  const { page } = await open();
  await page.route(ASKED, (route) =>
    route.fulfill({ status: 503, json: { code: "pool-unavailable", title: "The pool cannot be reached" } }),
  );
  await unfold(page);
  await sees(page, "#changes-problem", "This list is not up to date. The pool cannot be reached.");
  await page.unroute(ASKED);
  await first(page).waitFor();
  await page.locator("#changes-problem", { hasText: "This list" }).waitFor({ state: "hidden" });
});

test.each([360, 768, 1280])("nothing of it is wider than a window of %d px", async (width) => {
  await drainFrom("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", {
    owner: "x".repeat(200),
    reason: "y".repeat(200),
  });
  const { page } = await open();
  await page.setViewportSize({ width, height: 900 });
  await unfold(page);
  await first(page).waitFor();
  const overhang = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(await overhang()).toBe(0);
  const inside = page.locator("#changes-scroll");
  expect(await inside.evaluate((list) => list.scrollWidth - list.clientWidth)).toBe(0);
});
