import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Where Debian has it. The shell is the same engine without windows, and takes half the CPU time. */
const BROWSERS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"] as const;
export const CHROMIUM =
  process.env.CHROMIUM ?? BROWSERS.find((browser) => existsSync(browser)) ?? BROWSERS[0];

export const NO_CHROMIUM =
  `There is no browser at ${CHROMIUM}. On Debian: apt-get install --no-install-recommends ` +
  "chromium-headless-shell fonts-dejavu-core; elsewhere set CHROMIUM to where one is.";

export const NO_PROMTOOL =
  "promtool is missing. It comes with Prometheus (https://prometheus.io/download/); on Debian and Ubuntu the " +
  "package `prometheus` has it, and .ci/run takes just the program out of that.";

export const NO_OPENSSL = "openssl is missing. On Debian: apt-get install openssl.";

export const NO_CURL = "curl is missing. On Debian: apt-get install curl.";

export const MISSING_SHELLS = ["zsh", "fish"].filter(
  (shell) => spawnSync(shell, ["-c", "true"]).error !== undefined,
);
const hasPromtool = spawnSync("promtool", ["--version"]).error === undefined;

/** Whether tests that ask promtool are to be skipped; never in CI, where they fail without it. */
export const WITHOUT_PROMTOOL = !hasPromtool && !process.env.CI;

/** Test files that can do nothing without a program which npm does not bring. */
const NEEDS = [
  {
    files: ["story", "audit", "refused", "many", "silence", "wire", "deferred", "deferred-story"].map(
      (name) => `test/dashboard/${name}.test.ts`,
    ),
    missing: () => !existsSync(CHROMIUM),
    why: NO_CHROMIUM,
  },
  {
    files: ["test/proxy/waiting-browser.test.ts", "test/cli/serve/waiting-page.test.ts"],
    missing: () => !existsSync(CHROMIUM),
    why: NO_CHROMIUM,
  },
  {
    files: ["test/monitoring/monitoring.test.ts"],
    missing: () => !hasPromtool,
    why: NO_PROMTOOL,
  },
  {
    files: ["test/cli/serve/tls.test.ts"],
    missing: () => spawnSync("openssl", ["version"]).error !== undefined,
    why: NO_OPENSSL,
  },
  {
    files: ["test/docs/first-drain.test.ts"],
    missing: () => spawnSync("curl", ["--version"]).error !== undefined,
    why: NO_CURL,
  },
];

/** What this machine cannot run, said aloud; in CI it is run, and fails. */
export function leftOut(): string[] {
  if (process.env.CI) return [];
  const without = NEEDS.filter(({ missing }) => missing());
  for (const { files, why } of without) console.warn(`NOT RUN: ${files.join(", ")}\n${why}\n`);
  for (const shell of MISSING_SHELLS) {
    console.warn(
      `NOT RUN: the completion of ${shell} in test/cli/completion.test.ts\n${shell} is missing.\n`,
    );
  }
  return without.flatMap(({ files }) => files);
}
