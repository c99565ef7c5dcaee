import type { Page } from "playwright-core";
import { afterEach, describe, expect, test } from "vitest";
import { visit } from "./browser.ts";
import { sees, useStage } from "./stage.ts";

const stage = useStage();
// A failed test must not make the next one fail too.
afterEach(async () => {
  await stage.relay.cut();
  await stage.relay.mend();
  await stage.sluice.findPool("web");
  await stage.sluice.resume("web");
});

/** The card of a pool that runs, whatever of its requests time out at the server that is stuck. */
const REACHED = /^web\s*(Running|Failing|Refusing)/;

const ageOf = (page: Page) => page.locator(".cell", { hasText: "stuck" }).locator(".what").textContent();

/** Expects that the page does not change for two seconds. */
async function staysAsItIs(page: Page): Promise<void> {
  const shown = () => Promise.all([ageOf(page), page.locator("#wait-words").textContent()]);
  const before = await shown();
  await page.waitForTimeout(2_000);
  expect(await shown()).toEqual(before);
}

test("a network that swallows everything is noticed within seconds, and nothing grows older that nobody has seen", async () => {
  const [{ page }, { page: overview }] = await Promise.all([
    visit(stage.browser, stage.relay.url, "#/web"),
    visit(stage.browser, stage.relay.url),
  ]);
  await sees(overview, ".card", "web");
  stage.flood(8);
  await sees(page, ".cell", "stuck busy");
  stage.relay.silence();
  await Promise.all([page, overview].map((one) => sees(one, "#lost", "The connection to Sluice is lost")));
  await sees(page, "#connection", /^Last seen \d+ s ago$/);
  expect(await page.getByRole("button", { name: "Drain…" }).getAttribute("aria-disabled")).toBe("true");
  await sees(page, "#wait-words", /^Now unknown;/);
  await staysAsItIs(page);
  await stage.relay.mend();
  await Promise.all([page, overview].map((one) => sees(one, "#connection", "Live")));
});

test("what the waiting list was before the page was opened is drawn, and said", async () => {
  await stage.sluice.drain("web");
  stage.flood(12);
  await stage.sluice.until("web", ({ queued }) => queued >= 8);
  await stage.sluice.resume("web");
  await stage.sluice.until("web", ({ queued }) => queued === 0);
  const { page } = await visit(stage.browser, stage.relay.url, "#/web");
  await sees(page, "#queue-words", /^Now 0 requests; most ([89]|\d\d) requests\.$/);
});

describe("a pool whose object cannot be reached", () => {
  test("is told as what it is: not live, nothing to be done, and nothing grows older", async () => {
    const { page } = await visit(stage.browser, stage.relay.url, "#/web");
    await sees(page, "#connection", "Live");
    await stage.sluice.losePool("web");
    await sees(page, "#lost", "Sluice answers, but the Durable Object of this pool does not");
    await sees(page, "#connection", "Pool not reached");
    expect(await page.locator("#connection").getAttribute("data-state")).toBe("lost");
    expect(await page.getByRole("button", { name: "Drain…" }).getAttribute("aria-disabled")).toBe("true");
    await sees(page, "#wait-words", /^Now unknown;/);
    await staysAsItIs(page);

    // It keeps its position and its link among the other pools, all of which stay visible.
    await page.goto(`${stage.relay.url}/_sluice/#/`);
    await sees(
      page,
      ".card",
      /^web\s*Not reached.*Its Durable Object cannot be reached since (\d+ \w+, )?\d\d:\d\d:\d\d; the figures/s,
    );
    await sees(page, ".card", /^reports\s*Running/);
    // The card of what is gravest comes first.
    expect(await page.locator(".card h2").allTextContents()).toEqual(["web", "reports"]);
    await sees(page, "#connection", "Live");
    await sees(page, "nav", /web not reached/);

    // A page that is opened now shows it too.
    const other = await visit(stage.browser, stage.relay.url);
    await other.page
      .getByRole("main")
      .getByRole("link", { name: /^web Not reached/ })
      .click();
    await sees(other.page, "#lost", "Sluice answers, but the Durable Object of this pool does not");

    await stage.sluice.findPool("web");
    await sees(page, ".card", REACHED);
    await sees(other.page, "#state", /^(?!Not reached)/);
  });
});

test("requests that are refused are something to do in the overview too", async () => {
  const { page } = await visit(stage.browser, stage.relay.url);
  await sees(page, ".card", "web");
  stage.flood(100);
  await sees(page, ".card", /\d+ (requests refused lately )?\(queue-full\)/);
});

test("an answer about all pools that a later one has overtaken is not believed", async () => {
  const { page } = await visit(stage.browser, stage.relay.url);
  await sees(page, ".card", REACHED);
  const late = Promise.withResolvers<() => Promise<void>>();
  // An answer from before the drain is delayed.
  await page.route(
    "**/api/pools",
    async (route) => {
      const response = await route.fetch();
      late.resolve(() => route.fulfill({ response }));
    },
    { times: 1 },
  );
  const deliver = await late.promise;
  await stage.sluice.drain("web");
  await sees(page, ".card", /^web\s*Drain/);
  await deliver();
  await page.waitForTimeout(200);
  expect(await page.locator(".card").first().textContent()).toMatch(/^web\s*Drain/);
});
