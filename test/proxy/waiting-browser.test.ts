import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { DeferredList } from "../../src/admin/deferred.ts";
import { startBrowser } from "../dashboard/chromium.ts";
import { send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage(
  {
    web: { waiting_page: "1s", deferred: {} },
  },
  { bundle: "test", adminHost: "admin.test" },
);

let browser: Browser;
let axe: string;
beforeAll(async () => {
  browser = await startBrowser();
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
});
afterAll(() => browser?.close());

const WITHOUT_SCRIPTS = { javaScriptEnabled: false };
const ANSWER = '<!doctype html><title>Answer</title><h1>Here it is</h1><a href="next">Next</a>';

/** A browser of its own, until the test ends. */
async function visitor(options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  const tab = async () => {
    const page = await context.newPage();
    // A machine under load needs some seconds.
    page.setDefaultTimeout(20_000);
    return page;
  };
  return { context, tab };
}

const admin = (method: string, path: string) =>
  send(stage.sluice.url, {
    method,
    path: `/_sluice/api/pools/${path}`,
    headers: { Host: "admin.test", Authorization: "Bearer test-token-7f3a-c2d9" },
    ...(method === "GET" ? {} : { body: "{}" }),
  });
const queued = async () => JSON.parse(String((await admin("GET", "web")).body)).queued;

/** What nobody waits for any more would be sent to the next test's server. */
afterEach(async () => {
  const { body } = await admin("GET", "web/deferred?state=queued");
  const { requests } = JSON.parse(String(body)) as DeferredList;
  for (const { id } of requests) await admin("DELETE", `web/deferred/${id}`);
});

/** The only slot is taken, and `ahead` more wait directly. Each call of `next` answers the first, and lets the next in. */
async function line(ahead: number) {
  const calls = [send(stage.sluice.url, { path: "/slow" })];
  let { response } = await stage.origin.arrival();
  for (let n = 0; n < ahead; n++) calls.push(send(stage.sluice.url, { path: `/ahead-${n}` }));
  await expect.poll(queued).toBe(ahead);
  const next = async () => {
    response.end("done");
    ({ response } = await stage.origin.arrival());
    return response;
  };
  onTestFinished(async () => {
    stage.origin.answer = (_request, late) => late.end();
    response.end();
    await Promise.allSettled(calls);
  });
  return { next };
}

const url = (path: string) => stage.sluice.url + path;
const placeOf = (page: Page) => page.locator("#place");
const seesPlace = (page: Page, place: string) =>
  placeOf(page)
    .filter({ hasText: new RegExp(`^${place}$`) })
    .waitFor();
const seesAnswer = (page: Page) => page.getByRole("heading", { name: "Here it is" }).waitFor();
const ofSluice = async (page: Page) =>
  (await page.context().cookies()).filter(({ name }) => name.startsWith("sluice-"));

describe.each([
  ["with scripts", {}, "#part"],
  // No header can say what only the browser knows.
  ["without scripts", WITHOUT_SCRIPTS, ""],
])("a browser %s", (_, options, fragment) => {
  test("sees its place fall, keeps it through a reload, and gets the answer at the address that it asked for", async () => {
    const { next } = await line(2);
    const page = await (await visitor(options)).tab();
    await page.goto(url("/shop/page?x=1#part"));
    await seesPlace(page, "3");
    expect(await page.title()).toBe("Place 3 in line");
    await page.reload();
    await seesPlace(page, "3");
    expect(await queued()).toBe(3);
    await next();
    await seesPlace(page, "2");
    await next();
    await seesPlace(page, "1");
    expect(await page.title()).toBe("Place 1 in line");
    const response = await next();
    response.writeHead(200, { "Content-Type": "text/html" }).end(ANSWER);
    await seesAnswer(page);
    expect(page.url()).toBe(url(`/shop/page?x=1${fragment}`));
    expect(await ofSluice(page)).toEqual([]);
    expect(await queued()).toBe(0);
    stage.origin.answer = (request, answer) =>
      answer.setHeader("Content-Type", "text/html").end(`<p>${request.url}`);
    await page.getByRole("link", { name: "Next" }).click();
    await page.getByText("/shop/next").waitFor();
  });

  test("has a place for each address, and gives it up when its tab is closed", async () => {
    const { next } = await line(0);
    const { tab } = await visitor(options);
    const [one, two] = [await tab(), await tab()];
    await one.goto(url("/one"));
    await two.goto(url("/two"));
    await seesPlace(one, "1");
    await seesPlace(two, "2");
    await one.close();
    await expect.poll(queued, { timeout: 60_000 }).toBe(1);
    await seesPlace(two, "1");
    const response = await next();
    response.writeHead(200, { "Content-Type": "text/html" }).end(ANSWER);
    await seesAnswer(two);
  }, 90_000);

  test("waits through a drain and a crash of the pool's object", async () => {
    await admin("POST", "web/drain");
    onTestFinished(async () => void (await admin("POST", "web/resume")));
    const page = await (await visitor(options)).tab();
    await page.goto(url("/drained"));
    await page.getByText("not known yet").waitFor();
    await stage.sluice.crash("web");
    await page.reload();
    await seesPlace(page, "1");
    await admin("POST", "web/resume");
    const { response } = await stage.origin.arrival();
    response.writeHead(200, { "Content-Type": "text/html" }).end(ANSWER);
    await seesAnswer(page);
  });
});

describe("with scripts", () => {
  test("nothing is loaded anew while it waits, and nothing is complained of", async () => {
    const { next } = await line(1);
    const page = await (await visitor()).tab();
    const loaded: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => request.isNavigationRequest() && loaded.push(request.url()));
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(url("/quiet"));
    await seesPlace(page, "2");
    await next();
    await seesPlace(page, "1");
    expect([loaded, complaints]).toEqual([[url("/quiet")], []]);
    (await next()).end("x");
    await page.getByText("x", { exact: true }).waitFor();
  });

  test("a server that takes long is waited for, and the page says so", async () => {
    const { next } = await line(0);
    const page = await (await visitor()).tab();
    await page.goto(url("/long"));
    await seesPlace(page, "1");
    const response = await next();
    await page.getByRole("heading", { name: "Your request is being worked on" }).waitFor();
    await audit(page, "running");
    response.writeHead(200, { "Content-Type": "text/html" }).end(ANSWER);
    await seesAnswer(page);
  });

  test("a page whose stream is held back, as some proxies do, reloads itself", async () => {
    const { next } = await line(0);
    const page = await (await visitor()).tab();
    const isStream = ({ accept }: Record<string, string>) => accept?.includes("text/event-stream");
    await page.route("**/_sluice/requests/*", (route) =>
      isStream(route.request().headers()) ? undefined : route.continue(),
    );
    await page.goto(url("/held"));
    await seesPlace(page, "1");
    const reloaded = page.waitForEvent("load");
    await reloaded;
    await seesPlace(page, "1");
    const response = await next();
    response.writeHead(200, { "Content-Type": "text/html" }).end(ANSWER);
    await seesAnswer(page);
  });

  test("a browser that keeps no cookies is led to the answer at another address", async () => {
    const { next } = await line(0);
    const { context, tab } = await visitor();
    await context.addInitScript("Object.defineProperty(navigator, 'cookieEnabled', { value: false })");
    const page = await tab();
    await page.goto(url("/plain"));
    await seesPlace(page, "1");
    await context.clearCookies();
    const response = await next();
    response.writeHead(200, { "Content-Type": "text/html" }).end(ANSWER);
    await page.getByRole("link", { name: "Open the answer" }).click();
    await seesAnswer(page);
    expect(new URL(page.url()).pathname).toMatch(/^\/_sluice\/requests\/[\da-f]{96}\/response$/);
  });

  test("a page whose stream is refused reloads itself, and one that is forgotten begins anew", async () => {
    const { next } = await line(0);
    const page = await (await visitor()).tab();
    await page.goto(url("/forgotten"));
    await seesPlace(page, "1");
    const [cookie] = await ofSluice(page);
    await send(stage.sluice.url, { method: "DELETE", path: `/_sluice/requests/${cookie?.value}` });
    await page.getByText("The request was canceled").first().waitFor();
    await page.reload();
    await seesPlace(page, "1");
    const response = await next();
    response.writeHead(200, { "Content-Type": "text/html" }).end(ANSWER);
    await seesAnswer(page);
  });
});

interface Axe {
  run(options: object): Promise<AxeResults>;
}

const LOOKS = [
  [1280, "light", "none"],
  [1280, "dark", "none"],
  [320, "light", "none"],
  [320, "dark", "none"],
  [320, "light", "active"],
] as const;

async function audit(page: Page, state: string): Promise<void> {
  await page.evaluate(axe);
  for (const [width, colorScheme, forcedColors] of LOOKS) {
    await page.setViewportSize({ width, height: 600 });
    await page.emulateMedia({ colorScheme, forcedColors, reducedMotion: "reduce" });
    const { violations, passes } = await page.evaluate(
      (options) => (globalThis as unknown as { axe: Axe }).axe.run(options),
      { rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] },
    );
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
    expect.soft(found, `${state}, ${width} px, ${colorScheme}, ${forcedColors}`).toEqual([]);
    expect(passes.map(({ id }) => id)).toContain("color-contrast");
    const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await page.evaluate(overflow), `${state}, ${width} px`).toBe(0);
  }
}

test("an accessibility audit objects to nothing", async () => {
  await line(0);
  const page = await (await visitor()).tab();
  await page.goto(url("/audited"));
  await seesPlace(page, "1");
  await audit(page, "waiting");
});
