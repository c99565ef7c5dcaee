/**
 * `npm run screenshots`: the README's pictures, of the real page under the demo's load. Light: a drained pool in
 * the middle of a deploy. Dark: the same pool a little later, at work on what has waited.
 */
import { mkdir } from "node:fs/promises";
import net, { type AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { startBrowser } from "../test/dashboard/chromium.ts";
import { Fleet } from "./fleet.ts";
import { Gate, POOL } from "./gate.ts";
import { Traffic } from "./traffic.ts";
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
  const path = `/servers/${fleet.servers[2]?.name}`;
  await traffic.run(CALM, 25_000);
  const load = [traffic.run(PEAK, 12_000)];
  await light.waitForTimeout(12_000);
  load.push(traffic.run(CALM, 20_000));
  await gate.admin.drain({ wait: "30s", owner: "deploy-42", reason: "release 42" });
  await waits(light, /Drained/);
  await light.waitForTimeout(5_000);
  await light.screenshot({ path: join(DOCS, "dashboard-light.png") });
  await change(path, "maint");
  await gate.admin.resume({ owner: "deploy-42" });
  await waits(dark, /Running/);
  await dark.waitForTimeout(4_000);
  await dark.screenshot({ path: join(DOCS, "dashboard-dark.png") });
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

async function waits(page: Page, state: RegExp): Promise<void> {
  await page.locator("#state").filter({ hasText: state }).waitFor();
}

async function change(path: string, state: string): Promise<void> {
  const response = await fetch(`${gate.url}/_sluice/api/pools/${POOL}${path}`, {
    method: "PATCH",
    headers: { Authorization: `Bearer ${gate.token}` },
    body: JSON.stringify({ state }),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
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
