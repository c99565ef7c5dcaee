import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { SingleFlightServer } from "../../demo/single-flight.ts";
import { Run } from "../cli/command.ts";
import { Connections } from "../support/connections.ts";
import { Origin } from "../support/origin.ts";
import { Relay } from "../support/relay.ts";
import { Sluice } from "../support/sluice.ts";
import { visit } from "./browser.ts";
import { startBrowser } from "./chromium.ts";
import { sees } from "./stage.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser?.close());

/** Two pools: `quiet`, in which nothing happens, and after it `web`, with three servers that are checked. */
async function start() {
  const servers = ["web-1", "web-2", "web-3"].map((name) => new SingleFlightServer({ name, serviceMs: 50 }));
  await Promise.all(servers.map((server) => server.start()));
  onTestFinished(() => Promise.all(servers.map((server) => server.stop())).then(() => {}));
  const sluice = await Sluice.start({
    pools: {
      quiet: { hosts: ["quiet.test"], servers: [{ name: "quiet", url: "http://127.0.0.1:9" }] },
      web: {
        servers: servers.map(({ name, url }) => ({ name, url })),
        check: { path: "/idle", interval: "200ms", timeout: "5s", fall: 2, rise: 1, status: "2xx,503" },
      },
    },
  });
  onTestFinished(() => sluice.stop());
  const client = new Connections(sluice.url);
  onTestFinished(() => client.close());
  // Servers are checked from a pool's first request on, and for a minute after its last.
  await client.get("/query");
  await sluice.until("web", (pool) => pool.servers.every(({ health }) => health === "up"));
  return { sluice, client, servers };
}

/** What the page says of the chosen pool, numbers of seconds aside. */
async function said(page: Page) {
  const [pill, links, advice] = await Promise.all([
    page.locator("#state").textContent(),
    page.locator("#pool-links a").allTextContents(),
    page.locator("#advice li").allTextContents(),
  ]);
  return { pill, title: await page.title(), links, advice: advice.map(timeless) };
}

/** The cards of the overview, in their order: title, state and advice. */
async function cards(page: Page): Promise<string[][]> {
  const all = await page.locator(".card").all();
  return Promise.all(
    all.map(async (card) => {
      const parts = await Promise.all(
        ["h2", ".state", ".advice"].map((part) => card.locator(part).textContent()),
      );
      return parts.map((part) => timeless(part ?? ""));
    }),
  );
}

const timeless = (text: string) =>
  text.replace(/\d+(\.\d+)? m?s\b/g, "a while").replace(/ down \([^)]+\),/g, " down (why),");

async function status(sluice: Sluice, ...args: string[]): Promise<string> {
  const run = new Run(["status", ...args], { url: sluice.url });
  expect(await run.code).toBe(0);
  return run.stdout;
}

test("a pool whose servers are all killed says so everywhere, and takes it back once they are up", async () => {
  const { sluice, client, servers } = await start();
  const [{ page }, { page: overview }] = await Promise.all([
    visit(browser, sluice.url, "#/web"),
    visit(browser, sluice.url),
  ]);
  const well = {
    pill: "Running",
    title: "web: running – Sluice",
    links: ["quiet", "web"],
    advice: ["Nothing."],
  };
  await sees(page, "#connection", "Live");
  expect(await said(page)).toEqual(well);
  await sees(overview, ".card", "Nothing to do.");
  expect(await cards(overview)).toEqual([
    ["quiet", "Running", "Nothing to do."],
    ["web", "Running", "Nothing to do."],
  ]);
  expect(await overview.title()).toBe("Sluice");

  for (const server of servers) await server.stop();
  await sluice.until("web", (pool) => pool.servers.every(({ health }) => health === "down"));
  const waiting = ["/a", "/b", "/c"].map((path) => client.get(path));
  const advice =
    "No server takes requests: web-1, web-2 and web-3 are down (why), the first for a while. Start or mend them; each is used " +
    "again by itself once its health checks pass. 3 requests wait for one.";
  await sees(page, "#advice", "3 requests wait for one.");
  expect(await said(page)).toEqual({
    pill: "No server",
    title: "(!) web: no server – Sluice",
    links: ["quiet", "web no server"],
    advice: [advice],
  });
  await sees(overview, ".card", "3 requests wait for one.");
  expect(await cards(overview)).toEqual([
    ["web", "No server", advice],
    ["quiet", "Running", "Nothing to do."],
  ]);
  expect(await overview.title()).toBe("(!) web: no server – Sluice");
  expect(await status(sluice)).toMatch(/^web +no server +/m);
  expect(await status(sluice, "web")).toMatch(/^web {2}no server {2}/);
  // A machine reads what the contract says.
  expect(JSON.parse(await status(sluice, "web", "--json"))).toMatchObject({ state: "running" });

  for (const server of servers) await server.start();
  await Promise.all(waiting);
  await sluice.until("web", (pool) => pool.servers.every(({ health }) => health === "up"));
  await sees(page, "#state", "Running");
  await sees(page, "#advice", /^Nothing\.$/);
  expect(await said(page)).toEqual(well);
  await expect.poll(() => overview.title(), { timeout: 15_000 }).toBe("Sluice");
  // The card comes down only after a while.
  await expect
    .poll(async () => (await cards(overview)).sort(), { timeout: 15_000 })
    .toEqual([
      ["quiet", "Running", "Nothing to do."],
      ["web", "Running", "Nothing to do."],
    ]);
  expect(await status(sluice)).toMatch(/^web +running +/m);
});

test("a pool of three with one down says how many are left", async () => {
  const { sluice, servers } = await start();
  const { page } = await visit(browser, sluice.url, "#/web");
  await servers[1]?.stop();
  await sees(page, "#state", "2 of 3 servers");
  expect(await said(page)).toEqual({
    pill: "2 of 3 servers",
    title: "web: 2 of 3 servers – Sluice",
    links: ["quiet", "web 2 of 3 servers"],
    advice: [
      "web-2 is down (why), for a while. The others serve on; look whether it runs and answers its health check.",
    ],
  });
  expect(await status(sluice)).toMatch(/^web +2 of 3 servers +/m);
  await sluice.drain("web");
  await sees(page, "#state", "Drained, 2 of 3 servers");
  expect(await said(page)).toEqual({
    pill: "Drained, 2 of 3 servers",
    title: "web: drained, 2 of 3 servers – Sluice",
    links: ["quiet", "web drained, 2 of 3 servers"],
    advice: [
      "web-2 is down (why), for a while. Before you resume, look whether it runs and answers its health check.",
      "Nothing is in flight: now is the time for the deploy. Resume afterwards.",
    ],
  });
});

test("a pool that refuses says so, in a drain too, and what helps then", async () => {
  const origin = await Origin.start();
  onTestFinished(() => origin.stop());
  const servers = [{ name: "web-1", url: origin.url }];
  const sluice = await Sluice.start({ pools: { web: { servers, max_queue: 0 } } });
  onTestFinished(() => sluice.stop());
  const client = new Connections(sluice.url);
  onTestFinished(() => client.close());
  const { page } = await visit(browser, sluice.url, "#/web");
  await sees(page, "#state", "Running");
  client.get("/long").catch(() => {});
  await origin.arrival();
  for (const path of ["/a", "/b"]) await client.get(path).catch(() => {});
  const refused = "2 requests refused lately (queue-full): the waiting list is full";
  await sees(page, "#advice", "2 requests refused");
  expect(await said(page)).toEqual({
    pill: "Refusing",
    title: "(!) web: refusing – Sluice",
    links: ["web refusing"],
    advice: [`${refused}. Add servers or slots, or raise max_queue.`],
  });
  expect(await status(sluice)).toMatch(/^web +refusing +/m);
  await sluice.drain("web");
  await sees(page, "#state", "Draining, refusing");
  expect(await said(page)).toEqual({
    pill: "Draining, refusing",
    title: "(!) web: draining, refusing – Sluice",
    links: ["web draining, refusing"],
    advice: [
      `${refused} while the pool drains. Resume as soon as you can. 1 slot still in flight. The longest is on web-1, for a while. What does not end can be cut off.`,
    ],
  });
  expect(await status(sluice, "web")).toMatch(/^web {2}draining, refusing {2}/);
});

test("a card that moves up keeps the focus, and what has the focus does not lose it to another that moves", async () => {
  const { sluice, servers } = await start();
  const { page } = await visit(browser, sluice.url);
  await sees(page, ".card", "Nothing to do.");
  const card = (name: string) => page.locator(".card").filter({ has: page.locator("h2", { hasText: name }) });
  const order = () => page.locator(".card h2").allTextContents();
  expect(await order()).toEqual(["quiet", "web"]);
  await card("web").focus();
  await card("web").evaluate((element) => {
    element.addEventListener("blur", () => element.setAttribute("data-lost", ""));
  });
  for (const server of servers) await server.stop();
  await expect.poll(order, { timeout: 15_000 }).toEqual(["web", "quiet"]);
  const focused = () => page.evaluate(() => document.activeElement?.querySelector("h2")?.textContent);
  expect(await focused()).toBe("web");
  expect(await card("web").getAttribute("data-lost")).toBeNull();

  // A pool that is drained is less grave than one without a server, and stays below it.
  await card("quiet").focus();
  await sluice.drain("quiet");
  await sees(page, ".card", /^quiet\s*Drained/);
  expect([await order(), await focused()]).toEqual([["web", "quiet"], "quiet"]);
  await page.keyboard.press("Enter");
  await sees(page, "#pool-title", "quiet");
});

test("nothing to do is said only of what is known to be so", async () => {
  const { sluice } = await start();
  const relay = await Relay.start(sluice.url);
  onTestFinished(() => relay.cut());
  await sluice.drain("quiet");
  const { page } = await visit(browser, relay.url);
  await sees(page, ".card", "Nothing to do.");
  // The drain is waited for.
  expect(await cards(page)).toEqual([
    ["quiet", "Drained", "Nothing is in flight: now is the time for the deploy. Resume afterwards."],
    ["web", "Running", "Nothing to do."],
  ]);
  await relay.cut();
  await sees(page, ".card", /^web.*Not known at the moment\./s);
  expect(await page.title()).toBe("(?) not connected – Sluice");
  expect(await page.getByText("Nothing to do.").count()).toBe(0);
  await relay.mend();
  await sees(page, ".card", /^web.*Nothing to do\./s);
});
