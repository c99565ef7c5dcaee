/**
 * `npm run days`: the tests that show times, on days that are not today: a year ahead, and from ten seconds before
 * midnight on, so that it passes on the way. `npm run days -- --all` runs every test so, `-- FILE…` those.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const ROOT = join(import.meta.dirname, "../..");
const YEAR_MS = 366 * 24 * 60 * 60 * 1_000;

/** What shows a time, and one whose processes compare theirs; few enough for every run of CI. */
const SHOWING_TIMES = [
  "test/cli/terminal/",
  "test/cli/status.test.ts",
  "test/dashboard/advice.test.ts",
  "test/dashboard/events.test.ts",
  "test/dashboard/model.test.ts",
  "test/scheduler/record/journal.test.ts",
  "test/scheduler/record/queue-history.test.ts",
  "test/scheduler/snapshot.test.ts",
  "test/words/",
];

/** Each in a time zone of its own: one half an hour off the others, one that is first to have a new day. */
const DAYS = [
  { name: "A year ahead", zone: "America/St_Johns", begins: () => Date.now() + YEAR_MS },
  {
    name: "Ten seconds before midnight",
    zone: "Pacific/Kiritimati",
    begins: () => new Date().setHours(23, 59, 50, 0),
  },
];

const files = filesAsked();
const folder = mkdtempSync(join(tmpdir(), "sluice-days-"));
try {
  const clock = shiftedClock(folder);
  // All of them, whatever comes of the first: each may have its own faults.
  const failed = DAYS.filter((day) => !passes(day, clock));
  for (const { name } of failed) console.error(`FAILED: ${name}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function filesAsked(): string[] {
  const { values, positionals } = parseArgs({
    options: { all: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  if (values.all) return [];
  const asked = positionals.length > 0 ? positionals : SHOWING_TIMES;
  const missing = asked.filter((file) => !existsSync(join(ROOT, file)));
  if (missing.length > 0) throw new Error(`There is no ${missing.join(", ")}`);
  return asked;
}

function shiftedClock(folder: string): string {
  const library = join(folder, "shifted-clock.so");
  const source = join(import.meta.dirname, "shifted-clock.c");
  execFileSync("cc", ["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source], {
    stdio: "inherit",
  });
  return library;
}

function passes({ name, zone, begins }: (typeof DAYS)[number], clock: string): boolean {
  // Node reads it again whenever it is set.
  process.env.TZ = zone;
  const shiftS = Math.round((begins() - Date.now()) / 1_000);
  const env = { ...process.env, LD_PRELOAD: clock, SHIFTED_CLOCK_S: String(shiftS) };
  console.log(`${name}: ${shownIn(env)}, ${zone}`);
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const { status } = spawnSync(process.execPath, [vitest, "run", "--reporter=dot", ...files], {
    cwd: ROOT,
    env,
    stdio: "inherit",
  });
  return status === 0;
}

/** The time that programs see; where that is not the one asked for the clock does not work here. */
function shownIn(env: NodeJS.ProcessEnv): string {
  const seen = Number(execFileSync(process.execPath, ["-p", "Date.now()"], { env }));
  const wanted = Date.now() + Number(env.SHIFTED_CLOCK_S) * 1_000;
  if (Math.abs(seen - wanted) > 60_000) throw new Error(`The clock is not shifted: ${new Date(seen)}`);
  return new Date(seen).toLocaleString("en-GB");
}
