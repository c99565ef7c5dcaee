import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

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
