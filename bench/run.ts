/** `npm run bench`: everything side by side, in one run and one table. */
import { type Arguments, readArguments, USAGE } from "./arguments.ts";
import { describeMachine, findGear, type Gear } from "./measure/gear.ts";
import { cleanUpOnExit, shareOutCores } from "./processes.ts";
import type { Report, Section } from "./report/report.ts";
import { textOf } from "./report/text.ts";
import { writeResults } from "./report/write.ts";
import type { Scenario } from "./scenarios/scenario.ts";

/** Three times what a round takes on a slow machine; a run that hangs must end. */
const LIMIT_MS_A_ROUND = 9 * 60_000;

const args = argumentsOrExit();
cleanUpOnExit();
setTimeout(() => {
  console.error("bench: not done in time");
  process.exit(1);
}, LIMIT_MS_A_ROUND * args.rounds).unref();

const gear = await findGear(shareOutCores());
const sections: Section[] = [];
for (const scenario of args.scenarios) sections.push(await sectionOf(scenario, gear, args));
progress("");

const report: Report = { machine: describeMachine(gear), rounds: args.rounds, sections };
console.log(args.json ? JSON.stringify(report, null, 2) : textOf(report));
const failed = sections.some(({ error }) => error);
if (args.write && !failed) writeResults(report);
// Not by itself: a failed scenario may have left processes, which end with this one.
process.exit(failed ? 1 : 0);

async function sectionOf(scenario: Scenario, gear: Gear, { rounds, quick }: Arguments): Promise<Section> {
  const head = { scenario: scenario.name, about: scenario.about };
  try {
    return { ...head, ...(await scenario.run({ gear, rounds, quick, progress })) };
  } catch (error) {
    // The others are still worth their time.
    return { ...head, rows: [], notes: [], error: String((error as Error).stack ?? error) };
  }
}

/** A line that is written over on a terminal, one for each step elsewhere. */
function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
  else if (what) process.stderr.write(`${performance.now().toFixed(0).padStart(8)} ms  ${what}\n`);
}

function argumentsOrExit(): Arguments {
  try {
    return readArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(64);
  }
}
