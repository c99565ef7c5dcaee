import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { visit } from "./browser.ts";
import { figure, outcome, press, sees, useStage } from "./stage.ts";

const stage = useStage();

/** Resolves once the page shows a pool without a drain. Requests time out at the server that is stuck. */
const runs = (page: Page) => sees(page, "#state", /^(Running|Failing|Refusing)$/);

test("an operator watches a pool, drains and resumes it, mends a server, and loses and regains the connection", async () => {
  const { page, complaints, requested } = await visit(stage.browser, stage.relay.url);
  const waiting = () => figure(page, "Waiting");

  // Finds the pool in the overview, and sees it work.
  stage.load(10);
  await page
    .getByRole("main")
    .getByRole("link", { name: /^web (Running|Failing)/ })
    .click();
  await runs(page);
  expect(new URL(page.url()).hash).toBe("#/web");
  await sees(page, ".cell", /^web-\d busy/);
  await sees(page, ".cell", /^stuck quarantined \d+ s/);
  await sees(page, "#advice", /1 slot in quarantine/);

  // Drains it with a reason, and sees the queue grow.
  await press(page, "Drain…");
  await page.getByLabel("Reason").fill("release 42");
  await page.getByLabel("Ends by itself after").fill("10m");
  await press(page, "Drain");
  await outcome(page, "web takes no more requests to its servers");
  await sees(page, "#drain", /^by “admin”: release 42 .* ends by itself at .*, in (10 min|9 min \d+ s)/);
  await sees(page, "#events li", /“admin” drains the pool \(release 42\)/);
  await expect.poll(waiting, { timeout: 15_000 }).toBeGreaterThan(10);
  await sees(page, "#queue-words", /^Now \d+ requests; most \d+ requests\.$/);

  // Takes the server that never answers out, and frees its slot: nothing is in flight any more.
  await press(page, "Change… stuck");
  await page.getByLabel("Maintenance").check();
  await press(page, "Change");
  await outcome(page, "stuck is set to maintenance.");
  await sees(page, ".server", /stuck.*maintenance for/s);
  await page.locator(".cell", { hasText: "stuck quarantined" }).click();
  await sees(page, "dialog", /Only if you know that stuck is idle/);
  await press(page, "Free the slot");
  await outcome(page, "The slot of stuck is free.");
  await sees(page, ".cell", "stuck maintenance");
  await sees(page, "#state", "Drained");
  await sees(page, "#advice", /now is the time for the deploy/);
  expect(await figure(page, "In flight")).toBe(0);

  // Resumes it, and sees the queue fall, even on a slow machine.
  stage.load(0);
  await press(page, "Resume");
  await outcome(page, "web is running again.");
  await runs(page);
  await sees(page, "#events li", "Running again: “admin” resumed the pool.");
  await expect.poll(waiting, { timeout: 30_000 }).toBeLessThan(4);

  // Loses the connection: the page says so, and disables its acts.
  await stage.relay.cut();
  await sees(
    page,
    "#lost",
    /The connection to Sluice is lost; what you see is from then \(last seen \d+ s ago\)/,
  );
  await sees(page, "#connection", /^Last seen \d+ s ago$/);
  expect(await page.getByRole("button", { name: "Drain…" }).getAttribute("aria-disabled")).toBe("true");
  await sees(page, "#queue-words", /^Now unknown;/);

  // Regains it by itself.
  await stage.relay.mend();
  await sees(page, "#connection", "Live");
  await page.locator("#lost").waitFor({ state: "hidden" });
  expect(await page.getByRole("button", { name: "Drain…" }).getAttribute("aria-disabled")).toBeNull();
  await sees(page, "#queue-words", /^Now \d+ request/);

  // Back leads to the overview.
  await page.goBack();
  await page.getByRole("heading", { name: "Pools", level: 1 }).waitFor();
  expect(requested.filter((url) => !url.startsWith(`${stage.relay.url}/_sluice/`))).toEqual([]);
  // The browser logs each request that failed without a connection.
  expect(complaints.filter((text) => !text.includes("net::ERR_"))).toEqual([]);
});
