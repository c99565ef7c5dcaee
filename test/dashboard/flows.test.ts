import { createHash } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arrangedFlows } from "../../src/dashboard/page/flows.ts";
import type { FlowSnapshot } from "../../src/scheduler/snapshot.ts";
import { Connections } from "../support/connections.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { flowWith } from "../support/snapshots.ts";
import { visit } from "./browser.ts";
import { startBrowser } from "./chromium.ts";
import { PlayedPool } from "./played-pool.ts";
import { aPool } from "./snapshots.ts";
import { sees } from "./stage.ts";

let browser: Browser;
let origin: Origin;
let sluice: Sluice;
beforeAll(async () => {
  [browser, origin] = await Promise.all([
    startBrowser(),
    Origin.start((_, response) => response.end("done")),
  ]);
  const pools = {
    web: { flow: "header:x-api-key", servers: [{ name: "web-1", url: origin.url }] },
    plain: { hosts: ["plain.test"], servers: [{ name: "plain", url: "http://127.0.0.1:9" }] },
  };
  sluice = await Sluice.start({ pools });
});
afterAll(async () => {
  await sluice?.stop();
  await origin?.stop();
  await browser?.close();
});

const [A, B, C] = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"];

/** The page of a pool that is played. */
async function played(
  width = 1280,
): Promise<{ page: Page; show: (...flows: FlowSnapshot[]) => Promise<void> }> {
  const { page, complaints } = await visit(browser, sluice.url, "", { viewport: { width, height: 1_200 } });
  const pool = await PlayedPool.on(page);
  await page.goto("about:blank");
  await page.goto(`${sluice.url}/_sluice/#/web`);
  await sees(page, "#pool-title", "web");
  const show = async (...flows: FlowSnapshot[]) => {
    await pool.show(aPool({ flows }));
    expect(complaints).toEqual([]);
  };
  return { page, show };
}

const lines = (page: Page) =>
  page
    .locator("#flow-rows tr")
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent).join("|")));

test("a pool that tells clients apart shows who waits longest, by the hash in the log", async () => {
  const { page, complaints } = await visit(browser, sluice.url, "#/web");
  await sees(page, "#no-flows", "Nobody waits, and nothing is in flight.");
  const client = new Connections(sluice.url);
  await sluice.drain("web");
  const answers = [client.get("/", { "x-api-key": "acme" })];
  await sluice.until("web", ({ queued }) => queued === 1);
  for (let n = 0; n < 2; n++) answers.push(client.get("/"));
  await sluice.until("web", ({ queued }) => queued === 3);
  const hash = createHash("sha256").update("acme").digest("hex").slice(0, 16);
  await expect
    .poll(() => lines(page))
    .toEqual([
      expect.stringMatching(new RegExp(`^${hash}\\|1\\|0\\|\\d+ s\\|\\d+ %$`)),
      expect.stringMatching(/^no key\|2\|0\|\d+ s\|\d+ %$/),
    ]);
  expect(await page.content()).not.toContain("acme");
  await sluice.resume("web");
  await Promise.all(answers);
  await sees(page, "#no-flows", "Nobody waits, and nothing is in flight.");
  expect(complaints).toEqual([]);
  client.close();
});

test("a pool that does not has nothing of this", async () => {
  const { page } = await visit(browser, sluice.url, "#/plain");
  await sees(page, "#connection", "Live");
  expect(await page.locator("#flows").isHidden()).toBe(true);
});

describe("the table", () => {
  test("says of each client what waits, works and for how long, and its share as a bar", async () => {
    const { page, show } = await played();
    await show(
      flowWith({ key: A, queued: 1_480, inFlight: 8, oldestWaitMs: 125_000, share: 0.75 }),
      flowWith({ key: null, queued: 0, inFlight: 1, oldestWaitMs: 0, share: 0 }),
    );
    expect(await lines(page)).toEqual([`${A}|1,480|8|2 min|75 %`, "no key|0|1|–|0 %"]);
    const table = page.getByRole("table", { name: "Flows" });
    expect(await table.getByRole("columnheader").allTextContents()).toEqual([
      "Flow",
      "Waiting",
      "In flight",
      "Longest wait",
      "Share",
    ]);
    expect(await table.getByRole("rowheader").allTextContents()).toEqual([A, "no key"]);
    const parts = await page
      .locator(".bar")
      .evaluateAll((bars) => bars.map((bar) => (bar.firstElementChild?.clientWidth ?? 0) / bar.clientWidth));
    expect(parts.map((part) => part.toFixed(2))).toEqual(["0.75", "0.00"]);
  });

  test("keeps the line of a client while others come and go before it", async () => {
    const { page, show } = await played();
    await show(flowWith({ key: A }), flowWith({ key: B }));
    const line = await page.locator("#flow-rows tr", { hasText: B }).elementHandle();
    await show(flowWith({ key: C }), flowWith({ key: B, queued: 7 }));
    // The very same element.
    expect(await line?.evaluate((row) => row.isConnected && row.textContent?.includes("7"))).toBe(true);
    expect((await lines(page)).map((text) => text.split("|")[0])).toEqual([C, B]);
  });

  test("keeps its order under the pointer, and says of whom it knows no more", async () => {
    const { page, show } = await played();
    await show(flowWith({ key: A }), flowWith({ key: B }));
    await page.locator("#flow-rows").scrollIntoViewIfNeeded();
    await page.locator("#flow-rows tr", { hasText: B }).hover();
    await show(flowWith({ key: C }), flowWith({ key: B, queued: 7 }));
    expect(await lines(page)).toEqual([`${A}|–|–|–|–`, `${B}|7|0|1 s|0 %`]);
    await page.locator("#pool-title").hover();
    await expect.poll(async () => (await lines(page)).map((text) => text.split("|")[0])).toEqual([C, B]);
  });

  test.each([360, 768, 1280, 2560])(
    "is no wider than a window of %d px, and cuts nothing off",
    async (width) => {
      const { page, show } = await played(width);
      const most = { queued: 999_999, inFlight: 10_000, oldestWaitMs: 59 * 60_000, share: 1 };
      await show(flowWith({ key: A, ...most }), flowWith({ key: null, ...most }));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide).toBeLessThanOrEqual(width);
      const cut = await page
        .locator("#flow-rows :is(th, td)")
        .evaluateAll((cells) => cells.filter((cell) => cell.scrollWidth > cell.clientWidth).length);
      expect(cut).toBe(0);
    },
  );

  test("leaves a bar to be seen in colours that the reader has forced", async () => {
    const { page, show } = await played();
    await page.emulateMedia({ forcedColors: "active" });
    await show(flowWith({ share: 0.5 }));
    const [fill, ground] = await page.evaluate(() =>
      [".bar > span", "body"].map(
        (name) => getComputedStyle(document.querySelector(name) as Element).backgroundColor,
      ),
    );
    expect(fill).not.toBe(ground);
    expect(fill).not.toBe("rgba(0, 0, 0, 0)");
  });
});

describe("the lines of a table of flows", () => {
  const [a, b] = [flowWith({ key: A }), flowWith({ key: null })];
  const drawn = [a, b].map((flow) => ({ flow, isGone: false }));

  test("are those of the latest list, in its order", () => {
    expect(arrangedFlows(drawn, [b], false)).toEqual([{ flow: b, isGone: false }]);
    expect(arrangedFlows([], [a, b], false)).toEqual(drawn);
  });

  test("are those that there were while they are held, with what is known of them now", () => {
    const later = { ...b, queued: 9 };
    expect(arrangedFlows(drawn, [later, flowWith({ key: C })], true)).toEqual([
      { flow: a, isGone: true },
      { flow: later, isGone: false },
    ]);
  });

  test("that were gone while they were held are back with their flow", () => {
    const held = arrangedFlows(drawn, [a], true);
    expect(arrangedFlows(held, [b], true)).toEqual([
      { flow: a, isGone: true },
      { flow: b, isGone: false },
    ]);
  });
});
