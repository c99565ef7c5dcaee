import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { visit } from "./browser.ts";
import { startBrowser } from "./chromium.ts";
import { contradictions, watchFrames } from "./frames.ts";
import { outcome, press, sees } from "./stage.ts";

const ACTS = ["#act-drain", "#act-stop", "#act-extend", "#act-cut", "#act-resume"];

let browser: Browser;
let origin: Origin;
let sluice: Sluice;
beforeAll(async () => {
  [browser, origin] = await Promise.all([startBrowser(), Origin.start()]);
  const servers = [{ name: "web-1", url: origin.url, slots: 2 }];
  sluice = await Sluice.start({ pools: { web: { servers } } });
});
afterAll(async () => {
  await sluice?.stop();
  await origin?.stop();
  await browser?.close();
});
afterEach(async () => {
  origin.reset();
  await sluice.resume("web", { force: true });
  for (const { leases } of (await sluice.snapshot("web")).servers)
    for (const { id } of leases) await sluice.admin("DELETE", `/api/pools/web/leases/${id}`);
});

async function open(): Promise<Page> {
  const { page } = await visit(browser, sluice.url, "#/web");
  await sees(page, "#connection", "Live");
  return page;
}

/** A request that web-1 is at work on until `end` is called. */
async function busy(): Promise<{ answer: Promise<number>; end: () => void }> {
  const answer = send(sluice.url).then(({ status }) => status);
  answer.catch(() => {});
  const { response } = await origin.arrival();
  return { answer, end: () => response.end("done") };
}

const choose = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();

describe("a stop", () => {
  test("says whom it refuses, refuses with the message, waits for what is in flight, and ends by Resume", async () => {
    const page = await open();
    const frames = await watchFrames(page, [...ACTS, ".cell", ".server .acts"]);
    const requests = [await busy(), await busy()];
    const waits = send(sluice.url);
    await sluice.until("web", ({ queued }) => queued === 1);
    await choose(page, "Stop…");
    await sees(
      page,
      "dialog",
      "New requests are refused at once (503 stopped), and so is the 1 that waits now.",
    );
    await page.getByLabel("Message").fill("Back at 14:00.");
    await press(page, "Stop");
    await outcome(page, "web refuses requests: stopping, 2 slots still in flight.");
    await sees(page, "#state", "Stopping");
    expect(JSON.parse((await waits).body.toString())).toMatchObject({
      code: "stopped",
      detail: "Back at 14:00.",
    });
    await sees(page, "#drain", "“Back at 14:00.”");
    await sees(page, "#advice", "Requests are refused until it is resumed.");
    expect(await page.title()).toMatch(/^web: stopping/);
    for (const { end } of requests) end();
    await outcome(page, "web refuses requests: stopped.");
    await sees(page, "#events li", /stops the pool \(“Back at 14:00\.”\)/);
    await press(page, "Resume");
    await outcome(page, "web is running again.");
    expect(contradictions(await frames())).toEqual([]);
    const places = (await frames()).map((frame) => JSON.stringify(frame.places));
    expect([...new Set(places)]).toEqual(places.slice(0, 1));
  });

  test("and a drain of one's own turn into each other", async () => {
    const page = await open();
    await press(page, "Drain…");
    await press(page, "Drain");
    await outcome(page, "drained.");
    await choose(page, "Stop…");
    await press(page, "Stop");
    await outcome(page, "web refuses requests: stopped.");
    await choose(page, "Drain…");
    await sees(page, "dialog", "Requests wait again, and are not refused any more");
    await press(page, "Drain");
    await outcome(page, "web takes no more requests to its servers: drained.");
  });

  test("is a question no more once somebody else has drained the pool", async () => {
    const page = await open();
    await choose(page, "Stop…");
    await sluice.drain("web", { owner: "Ann" });
    await sees(page, "#dialog-wait", "It is drained already: “Ann” (by “admin”) holds it since");
  });

  test("can be begun and ended by keyboard alone", async () => {
    const page = await open();
    await page.locator("#act-stop").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.type("Back soon.");
    await page.keyboard.press("Enter");
    await outcome(page, "web refuses requests: stopped.");
    await page.locator("#act-resume").focus();
    await page.keyboard.press("Enter");
    await outcome(page, "web is running again.");
  });
});

describe("a cut", () => {
  test("is told by the drain that waits for it, and done: the slot stays closed", async () => {
    const page = await open();
    await busy();
    await press(page, "Drain…");
    await page.getByLabel("Cut off what is still running after").fill("3s");
    await press(page, "Drain");
    await outcome(page, "web takes no more requests to its servers: draining, 1 slot still in flight.");
    await sees(page, "#drain", /cuts off in \d s/);
    await outcome(page, "web takes no more requests to its servers: drained.");
    await sees(page, "#drain", "1 request cut off");
    await sees(page, "#events li", "1 request cut off, as the drain waited no longer.");
    await sees(page, "#advice", "1 request was cut off: restart what may still be at work on it.");
    await sees(page, ".cell", /web-1 1 quarantined/);
  });

  test("ends the wait of a drain that is on, and only that may be cut off", async () => {
    const page = await open();
    await busy();
    expect(await page.locator("#act-cut").isVisible()).toBe(false);
    await sluice.drain("web", { expires: "1h" });
    const before = (await sluice.snapshot("web")).drain?.expiresAt ?? "";
    await choose(page, "Cut off…");
    await sees(page, "dialog", /1 slot still in flight\. The longest is on web-1/);
    await press(page, "Cut off");
    await outcome(page, "1 request cut off in web.");
    await sees(page, "#state", "Drained");
    expect(await page.locator("#act-cut").isVisible()).toBe(false);
    const after = (await sluice.snapshot("web")).drain?.expiresAt ?? "";
    expect(Math.abs(Date.parse(after) - Date.parse(before))).toBeLessThan(60_000);
  });

  test("of one server is asked for with its drain, and not with what is ready", async () => {
    const page = await open();
    await busy();
    await press(page, "Change… web-1");
    await page.getByLabel("Cut off what is still running after").fill("1s");
    await press(page, "Change");
    await sees(page, "dialog .wrong", "Only with Drain or Maintenance.");
    await page.getByLabel("Drain", { exact: false }).check();
    await press(page, "Change");
    await outcome(page, "web-1 is set to drain.");
    await sees(page, "#events li", "1 request of web-1 cut off");
    await sluice.admin("PATCH", "/api/pools/web/servers/web-1", { state: "ready" });
  });

  test("that is no time is refused at its field", async () => {
    const page = await open();
    await press(page, "Drain…");
    await page.getByLabel("Cut off what is still running after").fill("soon");
    await press(page, "Drain");
    await sees(page, "dialog .wrong", "“soon” is no time. Write it like 30s or 2m.");
  });
});
