import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { SingleFlightServer } from "../../demo/single-flight.ts";
import { Connections } from "../support/connections.ts";
import { Origin } from "../support/origin.ts";
import { Relay } from "../support/relay.ts";
import { Sluice } from "../support/sluice.ts";
import { startBrowser } from "./chromium.ts";

/** Duration of a query: three servers answer fifteen a second. */
const SERVICE_MS = 200;

/**
 * A browser, and behind a network that can be cut a Sluice with the pools `web` (three servers that answer, and
 * `stuck`, which answers nothing but checks) and `reports` (nothing ever happens there).
 */
export class Stage {
  readonly #stops: (() => unknown)[] = [];
  browser!: Browser;
  sluice!: Sluice;
  relay!: Relay;
  servers: SingleFlightServer[] = [];
  #client!: Connections;
  #load: NodeJS.Timeout | undefined;

  async start(): Promise<void> {
    this.browser = await startBrowser();
    this.#stops.push(() => this.browser.close());
    const names = ["web-1", "web-2", "web-3"];
    this.servers = names.map((name) => new SingleFlightServer({ name, serviceMs: SERVICE_MS }));
    await Promise.all(this.servers.map((server) => server.start()));
    this.#stops.push(() => Promise.all(this.servers.map((server) => server.stop())));
    const stuck = await Origin.start((request, response) => {
      if (request.url === "/idle") response.writeHead(204).end();
    });
    this.#stops.push(() => stuck.stop());
    const servers = [
      ...this.servers.map(({ name, url }) => ({ name, url })),
      { name: "stuck", url: stuck.url },
    ];
    const web = {
      servers,
      server_timeout: "2s",
      quarantine: { max: "1h" },
      max_queue: 60,
      // Busy servers answer 503 to a check, which counts as up.
      check: { path: "/idle", interval: "200ms", timeout: "5s", fall: 2, rise: 1, status: "2xx,503" },
    };
    const reports = { hosts: ["reports.test"], servers: [{ name: "reports", url: "http://127.0.0.1:9" }] };
    this.sluice = await Sluice.start({ pools: { web, reports } });
    this.#stops.push(() => this.sluice.stop());
    this.relay = await Relay.start(this.sluice.url);
    this.#stops.push(() => this.relay.cut());
    this.#client = new Connections(this.sluice.url);
    this.#stops.push(() => this.#client.close());
  }

  /** Sends requests at this rate from now on; 0: none. */
  load(perSecond: number): void {
    clearInterval(this.#load);
    if (perSecond === 0) return;
    this.#load = setInterval(() => this.flood(1), 1_000 / perSecond);
  }

  /** Sends requests at once. Refusals and cut-off requests are expected. */
  flood(count: number): void {
    for (let n = 0; n < count; n++) this.#client.get("/query").catch(() => {});
  }

  async stop(): Promise<void> {
    this.load(0);
    for (const stop of this.#stops.reverse()) await stop();
  }
}

export function useStage(): Stage {
  const stage = new Stage();
  beforeAll(() => stage.start());
  afterAll(() => stage.stop());
  return stage;
}

/** A figure of the chosen pool, by its name on the page. */
export async function figure(page: Page, name: string): Promise<number> {
  const row = page.locator("#figures > div").filter({ has: page.locator("dt", { hasText: name }) });
  return Number.parseInt(((await row.locator("dd").textContent()) ?? "").replaceAll(",", ""), 10);
}

/** Resolves once the page shows `text`, which may be a part. */
export async function sees(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text, visible: true }).first().waitFor();
}

export async function press(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name, exact: true }).click();
}

/** Resolves once the page reports this outcome and has closed the dialog. */
export async function outcome(page: Page, text: string | RegExp): Promise<void> {
  await sees(page, "#outcome", text);
  await page.locator("dialog").waitFor({ state: "hidden" });
}
