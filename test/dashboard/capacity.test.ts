import type { Page } from "playwright-core";
import { afterEach, expect, test } from "vitest";
import { visit } from "./browser.ts";
import { sees, useStage } from "./stage.ts";

const stage = useStage();
afterEach(async () => {
  stage.load(0);
  await stage.sluice.resume("web", { force: true });
});

/** Where the figures stand, and how high the panel is that they are in. */
async function layoutOf(page: Page) {
  const boxes = await page.locator("#figures > div").evaluateAll((rows) =>
    rows.map((row) => {
      const { left, top } = row.getBoundingClientRect();
      return [row.firstChild?.textContent, Math.round(left), Math.round(top)];
    }),
  );
  const panel = await page.locator(".summary").boundingBox();
  return { boxes, height: panel?.height };
}

test("a drain says how long there is left and what comes then, and nothing moves when a value comes or goes", async () => {
  const { page } = await visit(stage.browser, stage.relay.url, "#/web");
  await sees(page, "#capacity", "Whether the waiting list fills up is not known yet.");
  const before = await layoutOf(page);

  // Three servers answer 15 a second.
  stage.load(10);
  await sees(page, "#figures > div", /^Arrivals\d+(\.\d)?\/s$/);
  await sees(page, "#figures > div", /^Waited \(p50, p95, p99\)\d+ ms, /);
  await sees(page, "#figures > div", /^At servers \(p50, p95, p99\)2\d\d ms, /);
  expect(await layoutOf(page)).toEqual(before);

  // 60 requests may wait.
  await stage.sluice.drain("web", { owner: "deploy-42" });
  await sees(page, "#capacity", /^Time left: about \d+ s, then the waiting list is full \(max_queue\)\.$/);
  await sees(page, "#figures > div", /^Waiting[1-5]\d of 60$/);
  expect(await layoutOf(page)).toEqual(before);
  await sees(
    page,
    "#capacity",
    "Time left: none, the waiting list is full and new requests are refused (max_queue).",
  );
  await sees(page, "#figures > div", "Grants0/s");

  stage.load(0);
  await stage.sluice.resume("web", { force: true });
  await sees(page, "#capacity", "Nothing says that the waiting list fills up.");
});

test("a rate does not stay at its old value when no request comes any more", async () => {
  const { page } = await visit(stage.browser, stage.relay.url, "#/web");
  stage.load(10);
  await sees(page, "#figures > div", /^Arrivals(\d\d|[5-9]\.\d)\/s$/);
  stage.load(0);
  await sees(page, "#figures > div", "Arrivals0/s");
});

test("a drain that nobody waits in has as long as whoever comes now, or until it ends by itself", async () => {
  const { page } = await visit(stage.browser, stage.relay.url, "#/reports");
  await stage.sluice.drain("reports", { owner: "deploy-42", expires: "5m" });
  await sees(page, "#capacity", /^Time left: 4 min 5\d s, then the drain ends by itself\.$/);
  await sees(page, "#capacity", /^Time left: 4 min 4\d s, then the drain ends by itself\.$/);
  await stage.sluice.drain("reports", { owner: "deploy-42", expires: "1h" });
  await sees(
    page,
    "#capacity",
    "Time left: 10 min, then a request that comes now is refused (queue_timeout).",
  );
  await stage.sluice.resume("reports", { owner: "deploy-42" });
});
