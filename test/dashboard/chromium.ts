import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { CHROMIUM, NO_CHROMIUM } from "../support/tools.ts";

const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Names under which this machine is not localhost, which browsers trust more than other hosts.
  "--host-resolver-rules=MAP *.test 127.0.0.1",
];

export function startBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(NO_CHROMIUM);
  // Loopback only, as whoever runs tests as root in a container has no sandbox to offer.
  return chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: false, args: FLAGS });
}
