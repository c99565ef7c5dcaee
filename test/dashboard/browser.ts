import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { TOKEN } from "../support/sluice.ts";

export interface Visit {
  page: Page;
  /** Errors and warnings on the console, and the URLs of all requests. */
  complaints: string[];
  requested: string[];
}

/** Opens the dashboard, signed in, until the test ends. `path`: after `/_sluice/`. */
export async function visit(
  browser: Browser,
  url: string,
  path = "",
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const opened = await openTab(browser, options);
  await opened.page.goto(`${url}/_sluice/${path}`);
  return opened;
}

/** The same without the dashboard as yet, for what has to be there before it. */
export async function openTab(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({
    httpCredentials: { username: "admin", password: TOKEN },
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  // A machine under load needs some seconds.
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  const requested: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => requested.push(request.url()));
  return { page, complaints, requested };
}
