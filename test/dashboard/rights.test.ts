import { createHash } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { type Visit, visit } from "./browser.ts";
import { startBrowser } from "./chromium.ts";
import { PlayedList } from "./played-list.ts";
import { outcome, press, sees } from "./stage.ts";

const tokenOf = (name: string) => `the-token-of-${name}-which-is-long`;

const TOKENS = {
  wall: { may: ["look"] },
  ci: { may: ["look", "drain"], pools: ["web"] },
  ops: { may: ["look", "servers"] },
  night: { may: ["look", "slots", "deferred"] },
  jane: { may: ["*"] },
};

let browser: Browser;
let origin: Origin;
let sluice: Sluice;
beforeAll(async () => {
  [browser, origin] = await Promise.all([startBrowser(), Origin.start()]);
  const pools = {
    web: { servers: [{ name: "web-1", url: origin.url }], deferred: {} },
    reports: { hosts: ["reports.test"], servers: [{ name: "reports-1", url: "http://127.0.0.1:9" }] },
  };
  const ADMIN_TOKENS = JSON.stringify(
    Object.fromEntries(
      Object.entries(TOKENS).map(([name, rights]) => {
        const sha256 = createHash("sha256").update(tokenOf(name)).digest("hex");
        return [name, { sha256, ...rights }];
      }),
    ),
  );
  sluice = await Sluice.start({ pools, texts: { ADMIN_TOKENS } });
});
afterAll(async () => {
  await sluice?.stop();
  await origin?.stop();
  await browser?.close();
});
afterEach(() => sluice.resume("web", { force: true }));

/** The page of somebody who has a token. The user name that they give is of no account. */
async function openAs(name: keyof typeof TOKENS, path = "#/web"): Promise<Visit> {
  const visited = await visit(browser, sluice.url, path, {
    httpCredentials: { username: "anybody", password: tokenOf(name) },
    viewport: { width: 1280, height: 1_200 },
  });
  await sees(visited.page, "#who", `Signed in as ${name}`);
  await sees(visited.page, "#connection", "Live");
  return visited;
}

/** The labels of all that can be pressed, but for the page's own links and filters. */
async function offered(page: Page): Promise<string[]> {
  const buttons = await page.getByRole("main").getByRole("button").all();
  return Promise.all(
    buttons.map(async (button) => {
      const label = await button.getAttribute("aria-label");
      return label ?? (await button.textContent()) ?? "";
    }),
  );
}

/** A request that web-1 is busy with until the returned function is called. */
async function busy(): Promise<() => Promise<void>> {
  const request = fetch(`${sluice.url}/query`);
  const { response } = await origin.arrival();
  return async () => {
    response.end("done");
    await request;
  };
}

/** Plays a list of deferred requests to the page, and shows all of it. */
async function listed(page: Page): Promise<void> {
  const list = await PlayedList.on(page);
  list.add({});
  await page.getByRole("radio", { name: "All" }).check();
  await sees(page, "#deferred-rows tr", "failed");
}

test("who may only look sees everything, and is offered nothing", async () => {
  const { page, complaints } = await openAs("wall");
  const end = await busy();
  await sees(page, ".cell", /web-1 busy/);
  await listed(page);
  expect(await offered(page)).toEqual([]);
  await sees(page, "#slots-note", /^1 slot, 0 idle\.$/);
  await sluice.drain("web", { owner: "deploy-42", reason: "release" });
  await sees(page, "#state", "Draining");
  await sees(page, "#drain", /by “deploy-42”, begun by “admin”: release/);
  expect(await offered(page)).toEqual([]);
  await end();
  await sees(page, "#state", "Drained");
  expect(complaints).toEqual([]);
});

test("who may drain drains and resumes what is theirs, and is offered no other act", async () => {
  const { page } = await openAs("ci");
  const end = await busy();
  await sees(page, ".cell", /web-1 busy/);
  await listed(page);
  expect(await offered(page)).toEqual(["Drain…", "Stop…"]);
  await end();
  await press(page, "Drain…");
  await press(page, "Drain");
  await outcome(page, "web takes no more requests to its servers: drained.");
  expect((await sluice.snapshot("web")).drain).toMatchObject({ owner: "ci", by: "ci" });
  expect(await offered(page)).toEqual(["Stop…", "Extend…", "Resume"]);
  await press(page, "Resume");
  await outcome(page, "web is running again.");

  // Somebody else's drain is not theirs to end.
  await sluice.drain("web");
  await sees(page, "#drain", "by “admin”");
  expect(await offered(page)).toEqual([]);
  // Only the pools that they may look at are there.
  expect(await page.locator("#pool-links").textContent()).toBe("web drained");
});

test("who may change servers, or free slots and cancel requests, is offered that", async () => {
  const { page: ops } = await openAs("ops");
  await listed(ops);
  expect(await offered(ops)).toEqual(["Change… web-1"]);
  const end = await busy();
  const { page: night } = await openAs("night");
  await sees(night, ".cell", /web-1 busy/);
  await listed(night);
  const [cell, ...others] = await offered(night);
  expect(cell).toMatch(/^web-1 busy/);
  expect(others).toEqual(["Retry… POST /orders/1, number 1"]);
  await end();
});

describe("another drain than one's own", () => {
  test("that is somebody else's is ended by force, which names both: whose drain it was, and who ended it", async () => {
    const [{ page: ci }, { page: jane }] = await Promise.all([openAs("ci"), openAs("jane")]);
    await press(ci, "Drain…");
    await ci.getByLabel("Reason").fill("release 42");
    await press(ci, "Drain");
    await outcome(ci, "web takes no more requests");
    await press(jane, "Resume…");
    await sees(jane, "dialog", "End the drain of “ci” by force?");
    await sees(jane, "dialog", /This drain is not yours: “ci” holds it since .* \(release 42\), until/);
    await press(jane, "Resume all the same");
    await outcome(jane, "“jane” ended the drain of “ci” by force: web is running again.");
    for (const page of [ci, jane])
      await sees(page, "#events li", "Running again: “jane” ended the drain of “ci” by force.");
    // What was said to ci is not true any more.
    await sees(ci, "#state", "Running");
    await ci.locator("#outcome").waitFor({ state: "hidden" });
  });

  test("is not the one that has replaced it: the old question ends neither", async () => {
    const { page } = await openAs("jane");
    await sluice.drain("web", { owner: "deploy-42" });
    await press(page, "Resume…");
    await sluice.resume("web", { owner: "deploy-42" });
    await sees(page, "#dialog-wait", "web is running again already: that drain is over.");
    await sluice.drain("web", { owner: "deploy-43" });
    await sees(
      page,
      "#dialog-wait",
      /This is another drain by now: “deploy-43” \(by “admin”\) holds it since/,
    );
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect((await sluice.snapshot("web")).drain).toMatchObject({ owner: "deploy-43" });
  });

  test("that one began as another owner, as a deploy does, is asked about, and needs no further right", async () => {
    const { page } = await openAs("ci");
    await sluice.admin("POST", "/api/pools/web/drain", { owner: "deploy-42" }, tokenOf("ci"));
    await press(page, "Resume…");
    await sees(page, "dialog", /This is another drain of yours: “deploy-42” \(by “ci”\) holds it/);
    await press(page, "Resume all the same");
    await outcome(page, "“ci” ended the drain of “deploy-42” by force: web is running again.");
  });
});

test("a right that is taken away meanwhile is told of in the refusal's words, and is offered no more", async () => {
  const { page } = await openAs("ci");
  const me = { name: "ci", via: "token", pools: { web: ["look"] } };
  await page.route("**/api/me", (route) => route.fulfill({ json: me }));
  const detail = '"ci" does not have the right "drain" for the pool "web".';
  await page.route("**/drain", (route) =>
    route.fulfill({ status: 403, json: { code: "forbidden", title: "This is not allowed", detail } }),
  );
  await press(page, "Drain…");
  await press(page, "Drain");
  await sees(page, "#dialog-problem", `This is not allowed: ${detail}`);
  await press(page, "Cancel");
  await expect.poll(() => offered(page)).toEqual([]);
  // With the event that follows the closing.
  await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe("pool-title");
});

test("as long as nobody knows who has signed in, nothing is offered", async () => {
  const { page } = await visit(browser, sluice.url, "none", {
    httpCredentials: { username: "anybody", password: tokenOf("jane") },
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  await page.route("**/api/me", async (route) => {
    if (++asked === 1) return route.fulfill({ status: 503, json: { code: "pool-unavailable" } });
    await promise;
    return route.continue();
  });
  await page.goto(`${sluice.url}/_sluice/#/web`);
  await sees(page, "#connection", "Live");
  await expect.poll(() => asked).toBe(2);
  expect(await offered(page)).toEqual([]);
  resolve();
  await expect.poll(() => offered(page)).toContain("Drain…");
});
