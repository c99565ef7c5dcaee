/**
 * `npm run screenshots`: the pictures of docs/dashboard.md, of the real page under the demo's load: a drained pool in
 * the middle of a deploy, at one moment in light and in dark.
 */
import { mkdir } from "node:fs/promises";
import net, { type AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { Traffic } from "../src/cli/rehearse/traffic.ts";
import { startBrowser } from "../test/dashboard/chromium.ts";
import { Fleet } from "./fleet.ts";
import { Gate, POOL } from "./gate.ts";
import { buildUpload } from "./upload.ts";

const DOCS = join(import.meta.dirname, "../docs");
const SERVERS = 12;
const SERVICE_MS = 250;
/** Requests a second; more than the servers can take, then less. */
const PEAK = 60;
const CALM = 30;

const fleet = new Fleet(SERVERS, SERVICE_MS);
const [upload, port, browser] = await Promise.all([buildUpload(), freePort(), startBrowser(), fleet.start()]);
const gate = await Gate.start(upload, fleet.servers, port);
try {
  await mkdir(DOCS, { recursive: true });
  await portray();
} finally {
  await browser.close();
  await gate.stop();
  await fleet.stop();
}

async function portray(): Promise<void> {
  const [light, dark] = [await visit(browser, "light"), await visit(browser, "dark")];
  const traffic = new Traffic(gate.url);
  await traffic.run(CALM, 25_000);
  const load = [traffic.run(PEAK, 12_000)];
  await light.waitForTimeout(12_000);
  load.push(traffic.run(CALM, 20_000));
  await gate.admin.drain({ wait: "30s", owner: "deploy-42", reason: "release 42" });
  await Promise.all(
    [light, dark].map((page) =>
      page
        .locator("#state")
        .filter({ hasText: /Drained/ })
        .waitFor(),
    ),
  );
  await light.waitForTimeout(5_000);
  await light.screenshot({ path: join(DOCS, "dashboard-light.png") });
  await dark.screenshot({ path: join(DOCS, "dashboard-dark.png") });
  await gate.admin.resume({ owner: "deploy-42" });
  await Promise.all(load);
}

async function visit(browser: Browser, colorScheme: "light" | "dark"): Promise<Page> {
  const context = await browser.newContext({
    httpCredentials: { username: "operator", password: gate.token },
    viewport: { width: 1280, height: 960 },
    colorScheme,
  });
  const page = await context.newPage();
  await page.goto(`${gate.url}/_sluice/#/${POOL}`);
  return page;
}

function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const probe = net.createServer();
  probe.listen(0, "127.0.0.1", () => {
    const { port } = probe.address() as AddressInfo;
    probe.close(() => resolve(port));
  });
  return promise;
}
