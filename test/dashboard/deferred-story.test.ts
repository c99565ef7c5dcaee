import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Deferrer } from "../deferred/support.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { visit } from "./browser.ts";
import { startBrowser } from "./chromium.ts";
import { outcome, press, sees } from "./stage.ts";

let browser: Browser;
let origin: Origin;
let sluice: Sluice;
beforeAll(async () => {
  [browser, origin] = await Promise.all([startBrowser(), Origin.start()]);
  const pool = {
    servers: [{ name: "web-1", url: origin.url }],
    deferred: {},
    on_client_abort: "cancel",
    quarantine: { broken: "0s", cancel: "0s" },
  };
  sluice = await Sluice.start({ pools: { web: pool } });
});
afterAll(async () => {
  await sluice?.stop();
  await origin?.stop();
  await browser?.close();
});

test("an operator finds what has failed and retries it, stops what runs, and cancels what waits", async () => {
  const client = new Deferrer(() => sluice);
  const viewport = { width: 1280, height: 1_400 };
  const { page, complaints } = await visit(browser, sluice.url, "#/web", { viewport });
  await sees(page, "#connection", "Live");

  // The server breaks off: the request fails, and the page says why.
  const order = await client.defer("/order");
  (await origin.arrival()).response.destroy();
  await sees(page, "#deferred-filters", /Failed 1/);
  await sees(page, "#deferred-rows tr", /^1\s*failed\s*POST \/order.*502 bad-gateway/);
  await sees(page, "#events li", "1 deferred request failed (bad-gateway)");
  await sees(page, "#advice", /1 deferred request failed lately \(bad-gateway\)/);

  // It is tried again, with a number of its own, and the one after it waits.
  await press(page, "Retry… POST /order, number 1");
  await press(page, "Retry");
  await outcome(page, /POST \/order (was put on the waiting list again|is at a server again)\./);
  const again = await origin.arrival();
  const report = await client.defer("/report");
  await page.getByRole("radio", { name: "All" }).check();
  await sees(page, "#deferred-rows tr", /^2\s*running\s*POST \/order/);
  await sees(page, "#deferred-rows tr", /^3\s*queued\s*POST \/report/);
  await sees(page, "#figures", /Waiting0 of [\d,]+ \(and 1 stored\)/);

  // What waits is canceled, and what runs is stopped.
  await press(page, "Cancel… POST /report, number 3");
  await press(page, "Cancel the request");
  await outcome(page, "POST /report is canceled");
  await sees(page, "#deferred-rows tr", /^3\s*canceled/);
  const left = new Promise((resolve) => again.response.once("close", resolve));
  await press(page, "Cancel… POST /order, number 2");
  await press(page, "Cancel the request");
  await outcome(page, /POST \/order (was told to stop|is canceled)\./);
  await left;
  await sees(page, "#deferred-rows tr", /^2\s*canceled/);
  for (const id of [order, report]) expect(await client.status(id)).toMatchObject({ state: "canceled" });
  expect(complaints).toEqual([]);
});
