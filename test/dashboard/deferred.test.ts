import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { visit } from "./browser.ts";
import { startBrowser } from "./chromium.ts";
import { PlayedList } from "./played-list.ts";
import { outcome, press, sees } from "./stage.ts";

let browser: Browser;
let origin: Origin;
let sluice: Sluice;
beforeAll(async () => {
  [browser, origin] = await Promise.all([
    startBrowser(),
    Origin.start((_, response) => response.end("done")),
  ]);
  const pools = {
    web: { servers: [{ name: "web-1", url: origin.url }], deferred: {} },
    plain: { hosts: ["plain.test"], servers: [{ name: "plain", url: "http://127.0.0.1:9" }] },
  };
  sluice = await Sluice.start({ pools });
});
afterAll(async () => {
  await sluice?.stop();
  await origin?.stop();
  await browser?.close();
});
afterEach(async () => {
  await sluice.resume("web", { force: true });
  await sluice.until("web", ({ queued, inFlight }) => queued + inFlight === 0);
});

const QUEUED = {
  state: "queued",
  startedAt: null,
  endedAt: null,
  attempts: 0,
  status: null,
  code: null,
} as const;
const RUNNING = { ...QUEUED, state: "running" } as const;

/** The shortest time between two questions of the page for its list. */
const PAUSE_MS = 3_000;

/** Has a request stored, so that the pool's counts change. Pages may ask for their lists again by then. */
async function store(...pages: Page[]): Promise<void> {
  await Promise.all(pages.map((page) => page.clock.fastForward(PAUSE_MS)));
  const headers = { Prefer: "respond-async" };
  const response = await fetch(`${sluice.url}/orders`, { method: "POST", body: "{}", headers });
  expect(response.status).toBe(202);
}

/** The page of a pool whose list of deferred requests is played; `fill` says what it has. */
async function listed(fill: (list: PlayedList) => void, path = "#/web") {
  const { page, complaints } = await visit(browser, sluice.url, "", {
    viewport: { width: 1280, height: 1_200 },
  });
  const list = await PlayedList.on(page);
  fill(list);
  await page.goto(`${sluice.url}/_sluice/${path}`);
  await sees(page, "#connection", "Live");
  await page.clock.install();
  return { page, list, complaints };
}

const lines = (page: Page) =>
  page
    .locator("#deferred-rows tr")
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent).join("|")));

async function show(page: Page, filter: string): Promise<void> {
  await page.getByRole("radio", { name: filter }).check();
  await page.locator("#deferred-shown", { hasText: "Asking" }).waitFor({ state: "hidden" });
}

test("a pool that stores requests says how many wait, and lists what an operator asks for", async () => {
  const { page, complaints } = await listed((list) => {
    list.add({}, { ...QUEUED }, { ...RUNNING, method: "PUT" });
    list.add({ state: "answered", status: 201, code: null, attempts: 1 });
    list.add({ state: "canceled", status: null, code: null, attempts: 0, startedAt: null });
  });
  await sluice.drain("web", { owner: "deploy-42" });
  await store();
  await store();
  await sees(page, "#figures", /Waiting0 of [\d,]+ \(and 2 stored\)/);
  await sees(page, "#figures", /Oldest waitnone \(stored \d+ s\)/);
  await sees(page, "#wait-title", "Oldest wait of those not stored");
  await sees(page, "#deferred-note", /The oldest of the queued has waited for \d+ s\./);
  await sees(page, "#deferred-filters", /Failed 0\s*Queued 2\s*Running 0\s*Answered \d+\s*Canceled\s*All/);

  expect(await page.getByRole("radio", { name: "Failed" }).isChecked()).toBe(true);
  await sees(page, "#deferred-rows tr", "failed");
  expect(await lines(page)).toEqual([
    "1|failed|POST /orders/1|10 min ago|5 min ago|2|502 bad-gateway|Retry…",
  ]);
  await show(page, "All");
  expect(await lines(page)).toEqual([
    "1|failed|POST /orders/1|10 min ago|5 min ago|2|502 bad-gateway|Retry…",
    "2|queued|POST /orders/2|10 min ago||||Cancel…",
    "3|running|PUT /orders/3|10 min ago||||Cancel…",
    "4|answered|POST /orders/4|10 min ago|5 min ago|1|201|",
    "5|canceled|POST /orders/5|10 min ago||||",
  ]);
  await show(page, "Running");
  expect(await lines(page)).toHaveLength(1);

  await press(page, "Resume…");
  await sees(
    page,
    "dialog",
    "2 waiting requests, all of them stored, will go to the servers of web, in order.",
  );
  await press(page, "Cancel");
  expect(complaints).toEqual([]);
});

test("a filter that finds nothing says so", async () => {
  const { page } = await listed(() => {});
  await sees(page, "#deferred-shown", "None has failed.");
  await show(page, "Queued");
  await sees(page, "#deferred-shown", "None waits.");
  expect(await page.locator("#deferred-table").isHidden()).toBe(true);
});

test("a pool that stores no requests has nothing of this, and is not asked for a list", async () => {
  const { page, list } = await listed(() => {}, "#/plain");
  await sees(page, "#pool-title", "plain");
  await page.locator("#events-title").scrollIntoViewIfNeeded();
  expect(await page.locator("#deferred").isHidden()).toBe(true);
  await sees(page, "#wait-title", /^Oldest wait$/);
  expect(list.calls).toEqual([]);
});

test("a list is asked for while it is in sight only", async () => {
  const { page, list } = await listed((list) => list.add({}));
  await sees(page, "#deferred-rows tr", "failed");
  await page.setViewportSize({ width: 360, height: 300 });
  await page.evaluate(async () => {
    scrollTo(0, 0);
    // Told after the page's own observer, which is older.
    await new Promise<void>((resolve) => new IntersectionObserver(() => resolve()).observe(document.body));
  });
  const before = list.calls.length;
  await store(page);
  const { deferred } = await sluice.until("web", (snapshot) => snapshot.deferred?.running === 0);
  await sees(page, "#deferred-filters", `Answered ${deferred?.answered}`);
  // Behind whatever the page may have asked.
  await page.evaluate(() => fetch("api/pools/web/deferred?mine"));
  expect(list.calls.slice(before)).toEqual(["GET ?mine"]);
  await page.locator("#deferred").scrollIntoViewIfNeeded();
  await expect.poll(() => list.calls.length).toBe(before + 2);
});

describe("cancelling", () => {
  test("says first what happens, and then what has happened", async () => {
    const { page, list } = await listed((list) => list.add(QUEUED, RUNNING));
    await show(page, "All");
    await press(page, "Cancel… POST /orders/1, number 1");
    await sees(page, "dialog", "Cancel POST /orders/1?");
    await sees(page, "dialog", "It leaves the waiting list, and no server gets it.");
    await press(page, "Keep it");
    expect(list.calls.join()).not.toContain("DELETE");

    await press(page, "Cancel… POST /orders/1, number 1");
    list.change(1, { state: "canceled", status: null });
    await press(page, "Cancel the request");
    await outcome(page, "POST /orders/1 is canceled.");
    expect(list.calls).toContain("DELETE /secret-1?forget=false");
    await sees(page, "#deferred-rows tr", /^1\s*canceled/);

    await press(page, "Cancel… POST /orders/2, number 2");
    await sees(page, "dialog", /A server is at work on it\. It is cut off, or left to finish for nothing/);
    list.answer = { status: 202 };
    await press(page, "Cancel the request");
    await outcome(page, "POST /orders/2 was told to stop.");
  });

  test.each([
    ["is forgotten", 404, "unknown-request", "No such request"],
    ["has ended", 409, "already-ended", "The request has already ended"],
  ])("of a request that %s meanwhile is refused in its own words", async (_, status, code, title) => {
    const { page, list } = await listed((list) => list.add(QUEUED));
    await show(page, "Queued");
    await press(page, "Cancel… POST /orders/1, number 1");
    list.answer = { status, code, title };
    await press(page, "Cancel the request");
    await sees(page, "#dialog-problem", title);
  });
});

describe("a retry", () => {
  test("says first what happens, and warns of work that may be done twice", async () => {
    const { page, list } = await listed((list) => {
      list.add({ attempts: 1 }, { attempts: 0, code: "queue-timeout", status: 503, startedAt: null });
    });
    await press(page, "Retry… POST /orders/1, number 1");
    await sees(page, "dialog", /Number 1, accepted at .* It has failed: bad-gateway\./);
    await sees(
      page,
      "dialog",
      "It goes to the end of the waiting list, and to a server when its turn comes.",
    );
    await sees(page, "dialog", /It was tried 1 time before\. .* would do it once more\./);
    await press(page, "Cancel");
    await press(page, "Retry… POST /orders/2, number 2");
    expect(await page.locator("dialog .warning").count()).toBe(0);
    list.requests.pop();
    await press(page, "Retry");
    await outcome(page, "POST /orders/2 was put on the waiting list again.");
    expect(list.calls).toContain("POST /secret-2/retry");
  });

  test("of a request that somebody else has tried again is refused in its own words", async () => {
    const { page, list } = await listed((list) => list.add({}));
    await press(page, "Retry… POST /orders/1, number 1");
    list.answer = { status: 409, code: "not-failed", title: "The request has not failed" };
    await press(page, "Retry");
    await sees(page, "#dialog-problem", "The request has not failed");
  });
});

describe("a list that changes", () => {
  test("is asked for again when the pool's counts have changed, and a line changes where it is", async () => {
    const { page, list } = await listed((list) => list.add(QUEUED));
    await show(page, "All");
    const line = await page.locator("#deferred-rows tr").elementHandle();
    list.change(1, { state: "answered", status: 200, code: null, attempts: 1 });
    list.add(QUEUED);
    await store(page);
    await sees(page, "#deferred-rows tr", /^1\s*answered/);
    expect(await lines(page)).toHaveLength(2);
    // The very same element.
    expect(await line?.evaluate((row) => row.isConnected && row.textContent?.includes("answered"))).toBe(
      true,
    );
  });

  test("does not move under the pointer, and says what it has no more", async () => {
    const { page, list } = await listed((list) => list.add({}, {}, {}));
    const third = page.locator("#deferred-rows tr", { hasText: "/orders/3" });
    await third.hover();
    list.requests.shift();
    await store(page);
    const firstLine = async () => {
      // The pointer does not rest.
      await third.hover();
      return (await lines(page))[0];
    };
    await expect.poll(firstLine).toMatch(/^1\|no longer listed/);
    const act = page.getByRole("button", { name: "Retry… POST /orders/1, number 1" });
    expect(await act.getAttribute("aria-disabled")).toBe("true");
    expect(await lines(page)).toHaveLength(3);
    await page.locator("#pool-title").hover();
    await expect.poll(() => lines(page)).toHaveLength(2);
  });

  test("keeps the focus where it is, whatever goes before it or with it", async () => {
    const { page, list } = await listed((list) => list.add({}, {}, {}));
    const second = page.getByRole("button", { name: "Retry… POST /orders/2, number 2" });
    const hasFocus = () => second.evaluate((act) => act === document.activeElement);
    await second.focus();
    list.requests.shift();
    await store(page);
    await expect.poll(() => lines(page)).toHaveLength(2);
    expect(await hasFocus()).toBe(true);
    list.requests.shift();
    await store(page);
    await sees(page, "#deferred-rows tr", /^2\s*no longer listed/);
    expect(await hasFocus()).toBe(true);
    await page.keyboard.press("Tab");
    await expect.poll(() => lines(page)).toHaveLength(1);
  });

  test("that cannot be asked for says so, keeps what it had, and comes back by itself", async () => {
    const { page, list } = await listed((list) => list.add({}));
    await sees(page, "#deferred-rows tr", "failed");
    list.answer = { status: 503, code: "pool-unavailable", title: "The pool cannot be reached" };
    await store(page);
    await sees(page, "#deferred-problem", "This list is not up to date. The pool cannot be reached.");
    expect(await lines(page)).toHaveLength(1);
    list.answer = null;
    await page.locator("#deferred-problem", { hasText: "This list" }).waitFor({ state: "hidden" });
  });
});

test("a long list comes fifty at a time, and the focus is not lost with the last of them", async () => {
  const { page, list } = await listed((list) => list.add(...Array.from({ length: 120 }, () => ({}))));
  await sees(page, "#deferred-shown", "The first 50, in the order in which they came.");
  const more = page.getByRole("button", { name: "50 more" });
  await more.focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => lines(page)).toHaveLength(100);
  await page.keyboard.press("Enter");
  await expect.poll(() => lines(page)).toHaveLength(120);
  expect(await more.isHidden()).toBe(true);
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("deferred-table");
  expect(list.calls.filter((call) => call.startsWith("GET"))).toEqual([
    "GET ?limit=50&state=failed",
    "GET ?limit=100&state=failed",
    "GET ?limit=150&state=failed",
  ]);
});

test("by keyboard alone a filter is chosen and a request canceled", async () => {
  const { page } = await listed((list) => list.add({}, QUEUED));
  await page.getByRole("radio", { name: "Failed" }).focus();
  await page.keyboard.press("ArrowRight");
  await sees(page, "#deferred-rows tr", /^2\s*queued/);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await sees(page, "dialog", "Cancel POST /orders/2?");
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "hidden" });
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  expect(await focused()).toBe("Cancel… POST /orders/2, number 2");
  await page.keyboard.press("Enter");
  await sees(page, "dialog", "Cancel POST /orders/2?");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await outcome(page, "POST /orders/2 is canceled");
});

test("the id of a request, which lets anybody read its answer, is nowhere on the page", async () => {
  const { page } = await listed((list) => list.add(QUEUED));
  await show(page, "Queued");
  await press(page, "Cancel… POST /orders/1, number 1");
  await press(page, "Cancel the request");
  await outcome(page, "POST /orders/1 is canceled");
  const shown = await page.evaluate(() => document.documentElement.outerHTML + location.href);
  expect(shown).toContain("/orders/1");
  expect(shown).not.toContain("secret-1");
});

test.each([360, 768, 1280])("nothing of it is wider than a window of %d px", async (width) => {
  const { page } = await listed((list) =>
    list.add({ path: `/${"x".repeat(199)}` }, { code: "response-too-large", attempts: 12 }),
  );
  await page.setViewportSize({ width, height: 900 });
  await sees(page, "#deferred-rows tr", "failed");
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth);
  expect(await wide()).toBeLessThanOrEqual(width);
  const inside = await page.locator("#deferred-table").evaluate((box) => box.scrollWidth - box.clientWidth);
  expect(inside).toBe(0);
  await press(page, `Retry… POST /${"x".repeat(199)}, number 1`);
  expect(await page.locator("dialog").evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0);
});
