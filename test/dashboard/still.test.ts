import type { Page } from "playwright-core";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { Sluice } from "../support/sluice.ts";
import { flowWith } from "../support/snapshots.ts";
import { openTab, visit } from "./browser.ts";
import { PlayedList } from "./played-list.ts";
import { PlayedPool } from "./played-pool.ts";
import { aDeferredPool, aLease, aServer } from "./snapshots.ts";
import { figure, sees, useStage } from "./stage.ts";

const stage = useStage();
const WIDTHS = [360, 1280, 2560];

/** What stands beside, above or below a value that changes. */
const PLACES = [
  ".top li, .connection, .panel, .panel h1, .panel h2, .panel h3, .state, #drain, .acts button, .figures > div",
  "#advice li, .cell, .chart, .server, .server > *, .filters label, #deferred-rows tr, #deferred-rows td, td button",
  "#flow-rows tr, #flow-rows th, #flow-rows td, .bar",
].join();

type Places = Record<string, string>;

/** Where everything is, by a name of it. Of a text that may be shorter the width does not count. */
function places(page: Page): Promise<Places> {
  return page.evaluate((selector) => {
    const found: Places = {};
    document.querySelectorAll(selector).forEach((element, n) => {
      const { left, top, height } = element.getBoundingClientRect();
      const name = `${n} ${element.tagName} ${element.className} ${element.id}`;
      found[name] = [left + scrollX, top + scrollY, height].map((number) => number.toFixed(1)).join(" ");
    });
    return found;
  }, PLACES);
}

const agoNow = (ms: number) => new Date(Date.now() - ms).toISOString();

/** The texts that do not fit where they stand. */
function cutOff(page: Page): Promise<string[]> {
  return page
    .locator(".cell .what, .server p, #deferred-rows td, #flow-rows td")
    .evaluateAll((texts) =>
      texts.flatMap((text) => (text.scrollWidth > text.clientWidth ? text.textContent : [])),
    );
}

/** No time of day changes: it would have its day on another day. */
const UNTIL = agoNow(-3_000_000);

/** A pool in which each kind of value is to be seen, all ages of them `ms`, and all counts `count`. */
function poolAt(ms: number, count: number): Snapshot {
  const since = { stateSince: agoNow(ms), healthSince: agoNow(ms) };
  const common = { ...since, leases: [] };
  const lease = (id: string) => ({ ...aLease(id), since: agoNow(ms) });
  const lost = { ...lease("lost"), quarantined: true, quarantinedSince: agoNow(ms), until: UNTIL };
  // A check of long ago would be said to be.
  const lastCheck = { at: agoNow(Math.min(ms, 59_000)), passed: false, got: "status 503" };
  const servers = [
    aServer({ ...common, name: "busy", slots: 10, inFlight: Math.min(count, 10), leases: [lease("a")] }),
    aServer({ ...common, name: "down", health: "down", lastCheck }),
    aServer({ ...common, name: "maint", state: "maint", weight: 2, backup: true }),
    aServer({ ...common, name: "drain", state: "drain", inFlight: 1, leases: [lease("b")] }),
    aServer({ ...common, name: "cut", state: "drain", cut: { at: agoNow(-ms - 500), done: false } }),
    aServer({ ...common, name: "guest", registered: { by: "scaler", since: UNTIL, expiresAt: UNTIL } }),
    aServer({ ...common, name: "lost", inFlight: 1, quarantined: 1, leases: [lost] }),
    aServer({ ...common, name: "inference-cluster-eu-west-gpu-a100-80gb-number-0123456789-abcdef" }),
  ];
  const totals = {
    accepted: count,
    completed: count,
    refused: { "queue-full": count },
    retried: 0,
    abandoned: 0,
    passedOn: count,
    free: 0,
  };
  const deferred = { queued: 7, running: count, answered: count, failed: 7, oldestMs: ms };
  const share = Math.min(count, 100) / 100;
  const flows = [
    flowWith({ queued: count, inFlight: count, oldestWaitMs: ms, share }),
    flowWith({ key: null, queued: 0, inFlight: count, share: 1 - share }),
  ];
  return aDeferredPool(deferred, { queued: 7 + count, oldestWaitMs: ms, servers, totals, slots: 15, flows });
}

const drained = (ms: number): Partial<Snapshot> => ({
  state: "draining",
  drain: {
    owner: "deploy-42",
    by: "ci",
    reason: "release 42",
    since: agoNow(ms),
    expiresAt: UNTIL,
    cut: null,
    stop: null,
  },
});

const AGES = [0.3, 7, 12, 59.7, 61, 135, 659, 3_599, 3_660, 24 * 3_600, 40 * 3_600, 30 * 24 * 3_600];

/** Notes where everything is in each frame, until it is asked what has moved, by a pixel or more. */
async function watch(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate((selector) => {
    const seen = new Map<Element, { least: number[]; most: number[] }>();
    const note = () => {
      for (const element of document.querySelectorAll(selector)) {
        const { left, top, height } = element.getBoundingClientRect();
        const place = [left + scrollX, top + scrollY, height];
        const { least, most } = seen.get(element) ?? { least: place, most: place };
        seen.set(element, {
          least: least.map((number, n) => Math.min(number, place[n] as number)),
          most: most.map((number, n) => Math.max(number, place[n] as number)),
        });
      }
      requestAnimationFrame(note);
    };
    note();
    Object.assign(globalThis, { seen });
  }, PLACES);
  return () =>
    page.evaluate(() => {
      type Seen = Map<Element, { least: number[]; most: number[] }>;
      const { seen } = globalThis as unknown as { seen: Seen };
      return [...seen]
        .filter(([, { least, most }]) => most.some((number, n) => number - (least[n] as number) >= 1))
        .map(([element, { least, most }]) => `${element.className} ${element.id}: ${least} to ${most}`);
    });
}

test.each(WIDTHS)("at %d px nothing moves in any frame while requests come and go", async (width) => {
  // Far less than the servers can do: a waiting list that grows would be advice, and a line of its own.
  stage.load(6);
  const { page } = await visit(stage.browser, stage.relay.url, "#/web", { viewport: { width, height: 900 } });
  await sees(page, ".cell", "stuck quarantined");
  await sees(page, "#advice", "1 slot in quarantine");
  const completed = await figure(page, "Completed");
  const moved = await watch(page);
  await expect.poll(() => figure(page, "Completed")).toBeGreaterThan(completed + 25);
  expect(await moved()).toEqual([]);
});

describe.each(WIDTHS)("at %d px", (width) => {
  async function played(): Promise<{ page: Page; pool: PlayedPool }> {
    const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
    const sluice = await Sluice.start({
      pools: { web: { servers, deferred: {} }, other: { hosts: ["o.test"], servers } },
    });
    onTestFinished(() => sluice.stop());
    const { page } = await openTab(stage.browser, { viewport: { width, height: 5_000 } });
    const list = await PlayedList.on(page);
    const pool = await PlayedPool.on(page);
    list.add(...[1, 12, 600, 4_000, 90_000].map((seconds) => ({ acceptedAt: agoNow(seconds * 1_000) })));
    await page.goto(`${sluice.url}/_sluice/#/web`);
    await sees(page, "#pool-title", "web");
    return { page, pool };
  }

  test.each([
    ["running", () => ({})],
    ["draining", drained],
  ])("nothing of a %s pool moves while ages and counts grow", async (_, state) => {
    const { page, pool } = await played();
    const at = (ms: number, count: number) => pool.show({ ...poolAt(ms, count), ...state(ms) });
    // First the most of all: a waiting list that grows would be advice.
    await at(5_000, 800);
    await sees(page, "#deferred-rows tr", "/orders/5");
    const before = await places(page);
    expect(Object.keys(before).length).toBeGreaterThan(60);
    for (const [n, seconds] of AGES.entries()) {
      await at(seconds * 1_000, [1, 9, 10, 99, 100, 731][n % 6] as number);
      expect.soft(await cutOff(page)).toEqual([]);
      const after = await places(page);
      const moved = Object.keys(after).filter((name) => after[name] !== before[name]);
      expect
        .soft(
          moved.map((name) => `${name}: ${before[name]} → ${after[name]}`),
          `ages of ${seconds} s`,
        )
        .toEqual([]);
    }
  });
});
