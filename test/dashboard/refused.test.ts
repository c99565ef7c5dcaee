import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { clockInWords } from "../../src/words/times.ts";
import { Origin } from "../support/origin.ts";
import { Relay } from "../support/relay.ts";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { visit } from "./browser.ts";
import { startBrowser } from "./chromium.ts";
import { outcome, press, sees } from "./stage.ts";

const POOLS = { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } };

let browser: Browser;
let sluice: Sluice;
beforeAll(async () => {
  [browser, sluice] = await Promise.all([startBrowser(), Sluice.start({ pools: POOLS })]);
});
afterAll(async () => {
  await browser?.close();
  await sluice?.stop();
});

afterEach(() => sluice.resume("web", { force: true }));

test("without the right token there is no page but one that leads to the next attempt", async () => {
  // The browser is asked for another password, and calls that off.
  const context = await browser.newContext({ httpCredentials: { username: "me", password: "wrong" } });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const response = await page.goto(`${sluice.url}/_sluice`);
  expect(response?.status()).toBe(401);
  await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
  await context.setHTTPCredentials({ username: "any", password: TOKEN });
  await page.getByRole("link", { name: "Sign in" }).click();
  await sees(page, "#pool-title", "web");
});

test("the only pool needs no choice", async () => {
  const { page, complaints } = await visit(browser, sluice.url);
  await sees(page, "#pool-title", "web");
  await sees(page, "#connection", "Live");
  expect(complaints).toEqual([]);
});

test("a URL that brings the token along, as a bookmark or a kiosk has it, leads to a live page", async () => {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(`${sluice.url.replace("://", `://any:${TOKEN}@`)}/_sluice/`);
  await sees(page, "#pool-title", "web");
  await sees(page, "#connection", "Live");
});

test("a pool that is not configured is said to be none", async () => {
  const { page } = await visit(browser, sluice.url, "#/none");
  await sees(page, "#absent", "No pool “none” is configured.");
  await sees(page, "#connection", "Live");
  expect(await page.locator("#lost").isHidden()).toBe(true);
  await page.getByRole("link", { name: "All pools" }).click();
  await sees(page, "#pool-title", "web");
  await sees(page, "#connection", "Live");
});

test("a drain that somebody else began, of which the page does not know yet, is refused in its own words", async () => {
  const network = await Relay.start(sluice.url);
  onTestFinished(() => network.cut());
  const { page } = await visit(browser, network.url, "#/web");
  await press(page, "Drain…");
  network.hold("GET /_sluice/api/pools/web/events");
  await sluice.drain("web", { owner: "deploy-42", reason: "release" });
  await press(page, "Drain");
  await sees(
    page,
    "#dialog-problem",
    /Another owner holds the drain: "deploy-42" \(release\), begun by "admin", drains this pool since/,
  );
  network.release();
  await sees(
    page,
    "#dialog-wait",
    /It is drained already: “deploy-42” \(by “admin”\) holds it since .* \(release\)/,
  );
  await press(page, "Cancel");
  await press(page, "Resume…");
  await press(page, "Resume all the same");
  await outcome(page, "“admin” ended the drain of “deploy-42” by force: web is running again.");
  expect(await sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
});

test("what curl can end, the page began as the same owner, and the other way round", async () => {
  const { page } = await visit(browser, sluice.url, "#/web");
  await press(page, "Drain…");
  await press(page, "Drain");
  await outcome(page, "web takes no more requests to its servers: drained.");
  expect((await sluice.resume("web")).status).toBe(200);
  await sees(page, "#state", "Running");
  await sluice.drain("web", {});
  await press(page, "Extend…");
  await page.getByLabel("Longer by").fill("2h");
  await press(page, "Extend");
  await outcome(page, /The drain of web now ends at/);
  await press(page, "Resume");
  await outcome(page, "web is running again.");
});

test("an extension says when the drain ends now and then, and is never a shorter drain", async () => {
  const { page } = await visit(browser, sluice.url, "#/web");
  await sluice.drain("web", { expires: "2h" });
  const end = async () => Date.parse((await sluice.snapshot("web")).drain?.expiresAt ?? "");
  const before = await end();
  // Midnight may have passed between the page's clock and ours.
  const says = (at: number) => `(\\d+ \\w+, )?${clockInWords(at, at)}`;
  await press(page, "Extend…");
  await sees(
    page,
    "dialog",
    new RegExp(
      `It ends by itself at ${says(before)}\\. Extended, it will end at ${says(before + 900_000)}\\.`,
    ),
  );
  await page.getByLabel("Longer by").fill("");
  await sees(page, "dialog", "Say how much longer.");
  await press(page, "Extend");
  await sees(page, "dialog .wrong", "Say how long, for example 15m or 2h.");
  expect(await end()).toBe(before);
  await page.getByLabel("Longer by").fill("30m");
  await press(page, "Extend");
  await outcome(page, /The drain of web now ends at/);
  // The page adds to its own clock, which is exact to the second, and the pool to the time of the call.
  expect(Math.abs((await end()) - before - 1_800_000)).toBeLessThan(10_000);
});

test("a question that is called off and asked again at once is answered like any other", async () => {
  const { page } = await visit(browser, sluice.url, "#/web");
  await press(page, "Drain…");
  await page.evaluate(() => {
    document.querySelector("dialog")?.close();
    document.getElementById("act-drain")?.click();
  });
  await press(page, "Drain");
  await outcome(page, "web takes no more requests to its servers: drained.");
});

describe("by keyboard alone", () => {
  test("a drain is asked for, called off, and done, and the focus is never lost", async () => {
    const { page } = await visit(browser, sluice.url, "#/web");
    await sees(page, "#connection", "Live");
    const focused = () => page.evaluate(() => document.activeElement?.id);
    await page.locator("#act-drain:enabled").waitFor();
    await page.locator("#act-drain").focus();
    await expect.poll(focused).toBe("act-drain");
    await page.keyboard.press("Enter");
    await sees(page, "dialog", "Drain web?");
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "hidden" });
    expect(await focused()).toBe("act-drain");
    await page.keyboard.press("Enter");
    await sees(page, "dialog", "Drain web?");
    await page.keyboard.type("by hand");
    await page.keyboard.press("Enter");
    await outcome(page, "web takes no more requests");
    // The button that opened the dialog is gone.
    expect(await focused()).toBe("pool-title");
    expect((await sluice.snapshot("web")).drain).toMatchObject({ owner: "admin", reason: "by hand" });
    await sluice.resume("web");
  });
});

describe("another site that a signed-in operator visits", () => {
  const drain = (url = sluice.url) => `${url}/_sluice/api/pools/web/drain`;
  const form = (action: string) =>
    `<form method="post" action="${action}"></form><script>document.forms[0].submit()</script>`;

  /** Leads a signed-in operator to another site, on another port or by another host name. */
  async function lure(html: string, host = "127.0.0.1", url = sluice.url) {
    const site = await Origin.start((_, response) => {
      response.writeHead(200, { "Content-Type": "text/html" }).end(html);
    });
    onTestFinished(() => site.stop());
    const { page, complaints } = await visit(browser, url, "#/web");
    await sees(page, "#connection", "Live");
    const answers: number[] = [];
    page.on("response", (response) => {
      if (response.request().method() === "POST") answers.push(response.status());
    });
    await page.goto(site.url.replace("127.0.0.1", host));
    return { answers, complaints };
  }

  test("cannot drain by a request, though the browser sends the password along", async () => {
    const init = '{ method: "POST", mode: "no-cors", credentials: "include" }';
    const { answers } = await lure(`<script>fetch("${drain()}", ${init})</script>`);
    await expect.poll(() => answers).toEqual([403]);
    expect(await sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
  });

  test("cannot drain by a form", async () => {
    const { answers } = await lure(form(drain()), "localhost");
    await expect.poll(() => answers).toContain(403);
    expect(await sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
  });

  test("cannot drain by a form over plain HTTP, where the browser does not say what kind of site it is", async () => {
    const url = sluice.url.replace("127.0.0.1", "sluice.test");
    const { answers } = await lure(form(drain(url)), "evil.test", url);
    await expect.poll(() => answers).toContain(403);
    expect(await sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
  });

  test("cannot frame the page", async () => {
    const { complaints } = await lure(`<iframe src="${sluice.url}/_sluice/"></iframe>`);
    await expect.poll(() => complaints.join()).toContain("frame-ancestors 'none'");
  });
});

describe("Sluice that answers, but not as hoped for", () => {
  /** A Sluice that replaces another one at the same address, as in a deploy. */
  async function deployed(options: Parameters<typeof Sluice.start>[0]): Promise<Page> {
    const first = await Sluice.start({ pools: POOLS });
    const network = await Relay.start(first.url);
    onTestFinished(() => network.cut());
    const { page } = await visit(browser, network.url, "#/web");
    await sees(page, "#connection", "Live");
    await network.cut();
    await first.stop();
    const second = await Sluice.start(options);
    onTestFinished(() => second.stop());
    await network.mend(second.url);
    return page;
  }

  test("a configuration that does not parse is told as what it is", async () => {
    const page = await deployed({ pools: { web: { servers: [], slot: 2 } } });
    await sees(page, "#lost", /Sluice is not configured correctly: POOLS\.web/);
  });

  test("who is signed out is told so, and asked to sign in again", async () => {
    const page = await deployed({ pools: POOLS, token: `${TOKEN}-new` });
    await sees(page, "#lost", /You are signed out/);
    await page.getByRole("button", { name: "Sign in again" }).waitFor();
  });

  test("an admin side without a token is told as what it is", async () => {
    const page = await deployed({ pools: POOLS, token: null });
    await sees(page, "#lost", /The admin side is off/);
  });

  test("a pool whose object restarts is back by itself", async () => {
    const { page } = await visit(browser, sluice.url, "#/web");
    await sees(page, "#connection", "Live");
    await sluice.crash("web");
    await sluice.drain("web", {});
    await sees(page, "#state", "Drained");
    await sluice.resume("web");
    await sees(page, "#state", "Running");
  });
});
