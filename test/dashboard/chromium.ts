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
  // One process for all documents of a context: to start one for each takes a quarter of the CPU time of a visit.
  "--renderer-process-limit=1",
  // Host names for this machine that a browser does not trust as it trusts localhost.
  "--host-resolver-rules=MAP *.test 127.0.0.1",
];

export function startBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(NO_CHROMIUM);
  // No sandbox, which root in a container does not have. The browser visits this machine only.
  return chromium.launch({
    executablePath: CHROMIUM,
    chromiumSandbox: false,
    args: FLAGS,
    // Without a language, as in a container, the headless shell has one that its own Intl refuses: en-US@posix.
    env: { ...process.env, LC_ALL: "en_US.UTF-8" },
  });
}
