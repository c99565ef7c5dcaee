import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServerSnapshot, Snapshot } from "../../src/scheduler/snapshot.ts";
import { clockInWords } from "../../src/words/times.ts";
import { Sluice } from "../support/sluice.ts";
import { openTab } from "./browser.ts";
import { startBrowser } from "./chromium.ts";
import { PlayedPool } from "./played-pool.ts";
import { aPool, aServer } from "./snapshots.ts";
import { outcome, press, sees } from "./stage.ts";

let browser: Browser;
let sluice: Sluice;
beforeAll(async () => {
  browser = await startBrowser();
  const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
  sluice = await Sluice.start({ pools: { web: { servers } } });
});
afterAll(async () => {
  await sluice?.stop();
  await browser?.close();
});

const soon = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();
const registered = { by: "scaler", since: soon(-60), expiresAt: soon(3_000) };
const guest = (changes: Partial<ServerSnapshot> = {}) => aServer({ name: "guest", registered, ...changes });

/** The page of who has these rights, on a pool with a server of the configuration and one that has registered. */
async function shown(may: string[]): Promise<{ page: Page; removed: string[] }> {
  const { page } = await openTab(browser);
  const pool = await PlayedPool.on(page);
  const removed: string[] = [];
  const without: Snapshot = {
    ...aPool({ servers: [aServer()] }),
    revision: { since: soon(7_200), number: 1 },
  };
  await page.route("**/api/me", (route) =>
    route.fulfill({ json: { name: "jane", via: "token", pools: { web: may } } }),
  );
  await page.route("**/api/pools/web", (route) => route.fulfill({ json: without }));
  await page.route("**/api/pools/web/servers/*", (route) => {
    const { pathname } = new URL(route.request().url());
    removed.push(`${route.request().method()} ${pathname.split("/").at(-1)}`);
    return route.fulfill({ json: { name: "guest", inFlight: 0 } });
  });
  await page.goto(`${sluice.url}/_sluice/#/web`);
  await sees(page, "#who", "Signed in as jane");
  await pool.show(aPool({ servers: [aServer(), guest()] }));
  await sees(page, ".server", "guest");
  return { page, removed };
}

describe("a server that has registered itself", () => {
  test("says until when it stays", async () => {
    const { page } = await shown(["look"]);
    await sees(page, ".server", `registered until ${clockInWords(registered.expiresAt, Date.now())}`);
    expect(await page.getByRole("button", { name: /guest/ }).count()).toBe(0);
  });

  test("is removed by who may have servers come and go, and the configured ones are not offered", async () => {
    const { page, removed } = await shown(["look", "register"]);
    expect(await page.getByRole("button", { name: /Remove… web-1|Set ready/ }).count()).toBe(0);
    await press(page, "Remove… guest");
    await sees(page, "dialog", "It has registered itself. Leaves the pool until it registers again");
    await press(page, "Remove");
    await outcome(page, "guest was removed.");
    expect(removed).toEqual(["DELETE guest"]);
  });

  test("can be removed as it can be set to drain, with both rights", async () => {
    const { page, removed } = await shown(["look", "servers", "register"]);
    await press(page, "Change… web-1");
    expect(await page.getByLabel("Remove").count()).toBe(0);
    await page.keyboard.press("Escape");
    await press(page, "Change… guest");
    await page.getByLabel("Remove").check();
    await press(page, "Change");
    await outcome(page, "guest was removed.");
    expect(removed).toEqual(["DELETE guest"]);
  });
});

test("a server that is down says what its last check got, and one that warms up has its weight in brackets", async () => {
  const { page } = await openTab(browser);
  const pool = await PlayedPool.on(page);
  await page.goto(`${sluice.url}/_sluice/#/web`);
  await sees(page, "#pool-title", "web");
  const lastCheck = { at: soon(-3), passed: false, got: "status 301" };
  const servers = [
    aServer({ name: "down", health: "down", healthSince: soon(-20), lastCheck }),
    aServer({ name: "warm", weight: 4, warmUntil: soon(600) }),
  ];
  await pool.show(aPool({ servers }));
  await sees(page, ".server", /down for 2\d s, \d+ s ago: status 301/);
  await sees(page, ".server", "weight (4)");
  await sees(page, "#advice", /down is down \(status 301\), for/);
});

test("the row of a server that nobody has checked says when checks are made, where there are any", async () => {
  const { page } = await openTab(browser);
  const pool = await PlayedPool.on(page);
  await page.goto(`${sluice.url}/_sluice/#/web`);
  await sees(page, "#pool-title", "web");
  const idle = { health: "unchecked", healthSince: null } as const;
  const servers = [aServer({ name: "idle", ...idle }), aServer({ name: "out", state: "maint", ...idle })];
  await pool.show(aPool({ servers }));
  const health = () => page.locator(".server .health").allTextContents();
  await expect.poll(health).toEqual(["unchecked, is checked while the pool has work", "unchecked"]);
  await pool.show(aPool({ servers, checks: false }));
  await expect.poll(health).toEqual(["unchecked", "unchecked"]);
});
