import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { TOKEN } from "../support/sluice.ts";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function startBrowser(): Promise<Browser> {
  if (!existsSync(EXECUTABLE)) {
    throw new Error(
      `There is no browser at ${EXECUTABLE}. On Debian: apt-get install --no-install-recommends ` +
        "chromium fonts-dejavu-core; elsewhere set CHROMIUM to where it is.",
    );
  }
  // Loopback only, as whoever runs tests as root in a container has no sandbox to offer.
  return chromium.launch({ executablePath: EXECUTABLE, chromiumSandbox: false, args: FLAGS });
}

export interface Visit {
  page: Page;
  /** What the page complained of on its console, and what it asked from whom. */
  complaints: string[];
  requested: string[];
}

/** The dashboard, signed in, until the test ends. `path` is what follows `/_sluice/`. */
export async function visit(
  browser: Browser,
  url: string,
  path = "",
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({
    httpCredentials: { username: "operator", password: TOKEN },
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  // What is not there by then never will be; a machine under load needs some seconds.
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  const requested: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => requested.push(request.url()));
  await page.goto(`${url}/_sluice/${path}`);
  return { page, complaints, requested };
}
