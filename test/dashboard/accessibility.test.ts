import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { Relay } from "../support/relay.ts";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { flowWith, shardWith } from "../support/snapshots.ts";
import { visit } from "./browser.ts";
import { PlayedList } from "./played-list.ts";
import { PlayedPool } from "./played-pool.ts";
import { aLease, aPool, aServer } from "./snapshots.ts";
import { outcome, press, sees, useStage } from "./stage.ts";

const stage = useStage();
/** Of 63 characters, and nothing in it to break a line at. */
const LONG = "inference_cluster_eu_west_production_gpu_a100_80gb_number_01234";

let axe: string;
beforeAll(async () => {
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
});

interface Axe {
  run(context: Node, options: object): Promise<AxeResults>;
}

const THEMES = {
  light: { colorScheme: "light", forcedColors: "none" },
  dark: { colorScheme: "dark", forcedColors: "none" },
  "forced colours": { colorScheme: "light", forcedColors: "active" },
} as const;

const EVERY_RULE = { rules: { "target-size": { enabled: true } } };
/** Each other rule judges what elements are, and not where, how large or how coloured: it comes to the same everywhere. */
const WHERE_IT_IS = {
  runOnly: ["color-contrast", "target-size", "scrollable-region-focusable", "button-name", "link-name"],
};
const COLOURS = { runOnly: ["color-contrast"] };

/** At which width, in which theme, by which rules: by all once, which takes as long as three others together. */
const AUDITS = [
  [1280, "light", EVERY_RULE],
  [1280, "dark", COLOURS],
  [1280, "forced colours", COLOURS],
  [2560, "light", WHERE_IT_IS],
  [360, "light", WHERE_IT_IS],
] as const;
/** What is left: only a text that no other width shows, or that lies on something else there, can fail in these alone. */
const LAYOUT_AUDITS = [
  ...AUDITS,
  [2560, "dark", COLOURS],
  [2560, "forced colours", COLOURS],
  [360, "dark", COLOURS],
  [360, "forced colours", COLOURS],
] as const;

/**
 * Audits the page in its present state, at three widths and in three themes. Of a page behind a question, which nobody
 * can use, only the question: the page has been audited without.
 */
async function audit(page: Page, state: string, audits: typeof AUDITS | typeof LAYOUT_AUDITS = AUDITS) {
  // Not by a script element, which the page's policy would refuse.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  for (const [width, theme, options] of audits) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ ...THEMES[theme], reducedMotion: "reduce" });
    const { violations, passes } = await page.evaluate(
      (given) =>
        (globalThis as unknown as { axe: Axe }).axe.run(
          document.querySelector("dialog[open]") ?? document,
          given,
        ),
      // Of what passes, the names of the rules will do.
      { ...options, resultTypes: ["violations"] },
    );
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
    expect.soft(found, `${state}, ${width} px, ${theme}`).toEqual([]);
    expect(passes.map(({ id }) => id)).toContain("color-contrast");
  }
}

/** As `audit`, for a page whose parts no other state lays out. */
const auditLayout = (page: Page, state: string) => audit(page, state, LAYOUT_AUDITS);

async function cancel(page: Page): Promise<void> {
  await press(page, "Cancel");
  await page.locator("dialog").waitFor({ state: "hidden" });
}

test("what only some widths show, or colour in another way, is on pages that are audited in each theme at each of them", async () => {
  const { page } = await visit(stage.browser, stage.relay.url, "#/web");
  const changed = await page.evaluate(() => {
    const judged = /^(color|background-color|opacity|filter|visibility|font-size|font-weight|display)$/;
    const within = (rules: CSSRuleList, ofWidth: boolean): string[] =>
      [...rules].flatMap((rule) => {
        if (rule instanceof CSSStyleRule)
          return ofWidth && [...rule.style].some((property) => judged.test(property))
            ? rule.selectorText
            : [];
        return rule instanceof CSSGroupingRule
          ? within(rule.cssRules, ofWidth || rule.cssText.split("{")[0]?.includes("width") === true)
          : [];
      });
    return [...document.styleSheets].flatMap(({ cssRules }) => within(cssRules, false));
  });
  // To add to it, see that a state with it is audited by `auditLayout`.
  expect(changed.sort()).toEqual([
    ".cells:not(.many) .what",
    ".deferred th",
    ".deferred tr",
    ".flows tr",
    ".server .name b",
    "[data-many] #all-pools",
    '[data-many] [aria-expanded="false"] + ul li:not(:has([aria-current], a:not([data-gravity="good"])))',
    "[data-many] ul",
  ]);
});

test("no state of the page has anything that an accessibility audit objects to", async () => {
  const { page } = await visit(stage.browser, stage.relay.url, "#/none");
  await sees(page, "#absent", "No pool “none” is configured.");
  await audit(page, "unknown pool");
  await page.goto(`${stage.relay.url}/_sluice/#/`);
  await page.getByRole("heading", { name: "Pools", level: 1 }).waitFor();
  await sees(page, ".card", "reports");
  await audit(page, "overview, idle");

  stage.load(10);
  await page.goto(`${stage.relay.url}/_sluice/#/web`);
  await sees(page, ".cell", "stuck quarantined");
  await sees(page, ".cell", /web-\d busy/);
  await auditLayout(page, "running");
  // Enough for lists that grow; each change is drawn beside the audits.
  stage.load(3);

  await page.locator(".cell", { hasText: "stuck quarantined" }).click();
  await audit(page, "asked before a slot is freed");
  await cancel(page);
  await stage.sluice.admin("PATCH", "/api/pools/web/servers/web-1", { state: "drain" });
  await press(page, "Change… stuck");
  await audit(page, "asked before a server is changed");
  await page.getByLabel("Maintenance").check();
  await press(page, "Change");
  await outcome(page, "stuck is set to maintenance.");

  await press(page, "Drain…");
  await audit(page, "asked before a drain");
  await page.getByLabel("Ends by itself after").fill("soon");
  await press(page, "Drain");
  await sees(page, "dialog .wrong", "“soon” is no time");
  await audit(page, "a drain refused");
  await page.getByLabel("Ends by itself after").fill("60s");
  await press(page, "Drain");
  await outcome(page, "web takes no more requests");
  await sees(page, "#state", "Draining");
  await sees(page, "#advice", /The drain ends by itself in/);
  await audit(page, "draining");
  await press(page, "Extend…");
  await audit(page, "asked before a drain is extended");
  await cancel(page);
  await press(page, "Cut off…");
  await audit(page, "asked before a drain cuts off");
  await cancel(page);
  await press(page, "Stop…");
  await audit(page, "asked before a drain is turned into a stop");
  await cancel(page);
  await page.locator(".cell", { hasText: "stuck quarantined" }).click();
  await press(page, "Free the slot");
  await outcome(page, "The slot of stuck is free.");
  await sees(page, "#state", "Drained");
  await audit(page, "drained");
  await press(page, "Resume");
  await outcome(page, "web is running again.");
  await stage.sluice.drain("web", { owner: "deploy-42", reason: "release" });
  await sees(page, "#drain", /by “deploy-42”, begun by “admin”: release/);
  await press(page, "Resume…");
  await sees(page, "dialog", /This is another drain of yours: “deploy-42” \(by “admin”\) holds it/);
  await audit(page, "asked before somebody else's drain is ended");
  await press(page, "Resume all the same");
  await outcome(page, "web is running again.");

  await stage.sluice.admin("PATCH", "/api/pools/web/servers/stuck", { state: "ready" });
  await stage.servers[1]?.stop();
  stage.flood(100);
  await sees(page, ".server", /web-2.*down for/s);
  await sees(page, "#advice", /web-2 is down/);
  await sees(page, "#events li", "web-2 is down");
  await sees(page, "#advice", /refused lately \(queue-full\)/);
  await auditLayout(page, "broken");
  await page.getByLabel("Only those that need attention").check();
  await page.locator(".server", { hasText: "web-3" }).waitFor({ state: "detached" });
  await page.goto(`${stage.relay.url}/_sluice/#/`);
  await sees(page, ".card", /web-2 is down/);
  await audit(page, "overview, broken");

  await page.goto(`${stage.relay.url}/_sluice/#/web`);
  await sees(page, "#connection", "Live");
  await stage.sluice.losePool("web");
  await sees(page, "#connection", "Pool not reached");
  await audit(page, "the pool cannot be reached");
  await page.goto(`${stage.relay.url}/_sluice/#/`);
  await sees(page, ".card", /web\s*Not reached/);
  await audit(page, "overview, a pool cannot be reached");
  // The page has no snapshot of this pool.
  await stage.sluice.findPool("web");
  await stage.sluice.losePool("reports");
  const { page: late } = await visit(stage.browser, stage.relay.url, "#/reports");
  await sees(late, "#absent", "Nothing is known of it yet.");
  await audit(late, "the pool could never be reached");

  await page.goto(`${stage.relay.url}/_sluice/#/web`);
  await sees(page, "#connection", "Live");
  await stage.relay.cut();
  await sees(page, "#lost", "The connection to Sluice is lost");
  await audit(page, "disconnected");
  const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
  const other = await Sluice.start({ pools: { web: { servers } }, token: `${TOKEN}-new` });
  onTestFinished(() => other.stop());
  await stage.relay.mend(other.url);
  await sees(page, "#lost", "You are signed out");
  await audit(page, "signed out");
  await page.getByRole("button", { name: "Sign in again" }).click();
  await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
  await audit(page, "not signed in");
}, 180_000);

test("nor has an act that waits for its answer, a question that is moot, or a page that offers nothing", async () => {
  const servers = [{ name: "web-1", url: stage.servers[0]?.url }];
  const sluice = await Sluice.start({ pools: { web: { servers } } });
  onTestFinished(() => sluice.stop());
  const network = await Relay.start(sluice.url);
  onTestFinished(() => network.cut());
  const { page } = await visit(stage.browser, network.url);
  await sees(page, "#connection", "Live");
  await press(page, "Change… web-1");
  await page.getByLabel("Maintenance").check();
  await sees(page, "dialog", "web-1 is the last server in use");
  await audit(page, "asked before the last server is taken out");
  network.hold("PATCH");
  await press(page, "Change");
  await sees(page, "#dialog-wait", "waiting for the pool’s answer");
  await audit(page, "waiting for an answer, asked");
  await cancel(page);
  await sees(page, "#outcome", "waiting for the pool’s answer");
  await audit(page, "waiting for an answer");
  network.release();
  await outcome(page, "web-1 is set to maintenance.");
  await press(page, "Change… web-1");
  await sluice.admin("PATCH", "/api/pools/web/servers/web-1", { state: "ready" });
  await sees(page, "#dialog-wait", "web-1 was set to ready meanwhile.");
  await audit(page, "asked in vain");
  await cancel(page);

  await page.route("**/api/me", (route) =>
    route.fulfill({ json: { name: "wall", via: "token", pools: { web: ["look"] } } }),
  );
  await page.reload();
  await sees(page, "#who", "Signed in as wall");
  await audit(page, "nothing to press");
});

test("nor has any state of the list of deferred requests", async () => {
  const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
  const sluice = await Sluice.start({ pools: { web: { servers, deferred: {} } } });
  onTestFinished(() => sluice.stop());
  const { page } = await visit(stage.browser, sluice.url);
  const list = await PlayedList.on(page);
  const none = { startedAt: null, attempts: 0, status: null, code: null };
  list.add({ ...none, state: "queued" }, { ...none, state: "running" }, { ...none, state: "canceled" });
  list.add({ state: "answered", status: 200, code: null }, ...Array.from({ length: 60 }, () => ({})));
  await page.goto(`${sluice.url}/_sluice/#/web`);
  await sees(page, "#connection", "Live");
  await page.getByRole("radio", { name: "All" }).check();
  await sees(page, "#deferred-rows tr", "answered");
  await auditLayout(page, "all deferred requests");
  await press(page, "Cancel… POST /orders/2, number 2");
  await audit(page, "asked before a deferred request is canceled");
  await press(page, "Keep it");
  await press(page, "Retry… POST /orders/5, number 5");
  await audit(page, "asked before a deferred request is tried again");
  await cancel(page);
  list.answer = { status: 503, title: "The pool cannot be reached" };
  await page.getByRole("radio", { name: "Running" }).check();
  await sees(page, "#deferred-problem", "This list is not up to date.");
  await audit(page, "a list that cannot be asked for");
  list.answer = null;
  list.requests = [];
  await page.getByRole("radio", { name: "Queued" }).check();
  await sees(page, "#deferred-shown", "None waits.");
  await audit(page, "no deferred request");
});

test("nor has any state of the table of flows, nor the list of shards", async () => {
  const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
  const sluice = await Sluice.start({ pools: { web: { servers, flow: "address" } } });
  onTestFinished(() => sluice.stop());
  const { page } = await visit(stage.browser, sluice.url);
  const played = await PlayedPool.on(page);
  await page.goto("about:blank");
  await page.goto(`${sluice.url}/_sluice/#/web`);
  await sees(page, "#pool-title", "web");
  const flows = Array.from({ length: 10 }, (_, n) =>
    flowWith({ key: n === 3 ? null : `00ff00ff00ff00f${n}`, queued: 9 - n, inFlight: n, share: n / 45 }),
  );
  const shards = [shardWith(), shardWith({ shard: 1, reachable: false })];
  await played.show(aPool({ servers: [aServer({ shard: 1 })], flows, shards, queued: 45 }));
  await sees(page, "#flow-rows tr", "no key");
  await auditLayout(page, "flows and shards");
  await page.locator("#flow-rows").hover();
  await played.show(aPool({ flows: flows.slice(1) }));
  await sees(page, "#flow-rows tr", "–");
  await audit(page, "flows, held");
  await page.locator("#pool-title").hover();
  await played.show(aPool({ flows: [] }));
  await sees(page, "#no-flows", "Nobody waits");
  await audit(page, "no flows");
});

test("nor has any state of the list of changes", async () => {
  const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
  const sluice = await Sluice.start({ pools: { web: { servers } } });
  onTestFinished(() => sluice.stop());
  const { page } = await visit(stage.browser, sluice.url, "#/web");
  await sees(page, "#connection", "Live");
  await audit(page, "changes, folded");
  await page.locator("#changes summary").click();
  await sees(page, "#changes-shown", "Nobody has changed anything yet.");
  await audit(page, "no change");
  await sluice.drain("web", { owner: "deploy-42", reason: "v2" });
  for (let n = 0; n < 60; n++) await sluice.admin("DELETE", `/api/pools/web/leases/${n}`);
  await sluice.resume("web", { owner: "deploy-42" });
  await sees(page, "#changes-list li", "refused (unknown-lease)");
  await sees(page, "#changes-shown", "The latest 50.");
  await auditLayout(page, "changes");
  await page.route(/api.audit/, (route) => route.fulfill({ status: 503, json: { title: "Not reached" } }));
  await press(page, "50 more");
  await sees(page, "#changes-problem", "This list is not up to date.");
  await audit(page, "changes that cannot be asked for");
});

test("nor has a page of twenty pools, of long names, of servers that are all down, or of many slots", async () => {
  const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
  const names = [LONG, "web", ...Array.from({ length: 18 }, (_, n) => `pool-${n}`)];
  const pools = Object.fromEntries(names.map((name, n) => [name, { hosts: [`${n}.test`], servers }]));
  const sluice = await Sluice.start({ pools });
  onTestFinished(() => sluice.stop());
  await sluice.drain("pool-7");
  const { page } = await visit(stage.browser, sluice.url, "#/", { viewport: { width: 360, height: 900 } });
  await sees(page, ".card", "pool-17");
  await page.getByRole("button", { name: "All 20 pools" }).click();
  await auditLayout(page, "overview of twenty pools");
  const played = await PlayedPool.on(page);
  await page.goto("about:blank");
  await page.goto(`${sluice.url}/_sluice/#/${LONG}`);
  await sees(page, "#pool-title", LONG);
  const down = [1, 2].map((n) => aServer({ name: `${LONG.slice(1)}${n}`, health: "down" }));
  await played.show(aPool({ name: LONG, servers: down, queued: 3, oldestWaitMs: 90_000 }));
  await sees(page, "#advice", "No server takes requests");
  await page.locator("#queue-chart").focus();
  await sees(page, ".reading", "3 requests");
  await audit(page, "all servers down, and a value read");
  const many = Array.from({ length: 41 }, (_, n) => aServer({ name: `web-${n}`, leases: [aLease(`${n}`)] }));
  await played.show(aPool({ name: LONG, servers: many }));
  await sees(page, "#slots-note", "41 slots");
  await auditLayout(page, "many slots");
});
