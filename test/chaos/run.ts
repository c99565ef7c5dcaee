/** `npm run chaos -- --seconds 300 --seed 7`: the long form of the chaos test. */
import { parseArgs } from "node:util";
import bundle from "../support/bundle.ts";
import { chaos } from "./chaos.ts";
import type { Journal } from "./journal.ts";
import { Random } from "./random.ts";
import { reportLines } from "./report.ts";
import { schedule } from "./schedule.ts";

const USAGE = "usage: npm run chaos -- [--seconds N] [--seed N] [--plan]";

const { seconds, seed, plan } = readArguments();
if (plan) {
  for (const { atMs, ...happening } of schedule(new Random(seed).fork("schedule"), seconds * 1000)) {
    console.log(`${(atMs / 1000).toFixed(3).padStart(8)} s  ${JSON.stringify(happening)}`);
  }
} else {
  const unbundle = await bundle();
  try {
    const tried = await chaos({ seed, seconds, onProgress: (journal) => console.log(progressLine(journal)) });
    for (const told of tried.stories) console.log(`\n${told}`);
    console.log(`\n${reportLines(tried).join("\n")}`);
    process.exitCode = tried.journal.broken.length > 0 ? 1 : 0;
  } finally {
    await unbundle();
  }
  // By itself Node 26.10 hangs here: it waits for handles of sockets that were reset, which never close.
  process.exit();
}

function progressLine(journal: Journal): string {
  const faults = [...journal.faults.values()].reduce((sum, count) => sum + count, 0);
  const crashes = journal.operations.get("crash") ?? 0;
  const at = (journal.now() / 1000).toFixed(0).padStart(5);
  return `${at} s  requests ${journal.requests.size}  crashes ${crashes}  faults ${faults}  broken promises ${journal.broken.length}`;
}

function readArguments(): { seconds: number; seed: number; plan: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: "string", default: "300" },
        seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
        plan: { type: "boolean", default: false },
      },
    });
    const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
    if (seconds > 0 && Number.isSafeInteger(seed)) return { seconds, seed, plan: values.plan };
  } catch {
    // Said below.
  }
  console.error(USAGE);
  process.exit(64);
}
