/** `npm start`: ten single-flight servers, Sluice in front of them, and deploys rehearsed, with a crash. */
import { constants } from "node:os";
import { readArguments, USAGE } from "./arguments.ts";
import { rehearseCrash } from "./crash.ts";
import { crashReportLines, survived } from "./crash-report.ts";
import { Fleet } from "./fleet.ts";
import { Gate, POOL } from "./gate.ts";
import { nextSteps } from "./next-steps.ts";
import { onParentGone } from "./parent.ts";
import { portProblem } from "./port.ts";
import { Progress } from "./progress.ts";
import { rehearse } from "./rehearsal.ts";
import { passed, reportLines } from "./report.ts";
import { buildUpload } from "./upload.ts";

const SERVERS = 10;
const SERVICE_MS = 100;
const CAPACITY = (SERVERS * 1000) / SERVICE_MS;
const RATE = 1.2 * CAPACITY;
/** Requests of the second act. */
const DEFERRED = 100;

const progress = new Progress(process.stdout);

const args = readArguments(process.argv.slice(2));
if (!args) fail(64, USAGE);
const problem = await portProblem(args.port);
if (problem) fail(1, `Port ${args.port} ${problem}. Another one: npm start -- --port N`);

// Everything that runs ends with this process: the servers are part of it, and the gate kills its runtime on exit.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => endBy(signal));
onParentGone(() => endBy("SIGTERM"));

progress.show("Starting…");
const fleet = new Fleet(SERVERS, SERVICE_MS);
const [upload] = await Promise.all([buildUpload(), fleet.start()]);
const gate = await Gate.start(upload, fleet.servers, args.port);
progress.say(
  `Sluice   ${gate.url}, pool "${POOL}": ${SERVERS} servers, each does one query at a time, ${SERVICE_MS} ms`,
);
progress.say(`Token    ${gate.token}`);

const stage = { gate, fleet };
progress.say(`\nFirst act: ${RATE} requests/s, servers for ${CAPACITY}/s, and a deploy of all servers\n`);
const outcome = await rehearse(stage, RATE, progress.timed());
progress.say(`\n${reportLines(outcome).join("\n")}\n`);

progress.say(
  `Second act: a deploy again, ${DEFERRED} requests to be answered later, and a crash of Sluice\n`,
);
const afterCrash = await rehearseCrash(stage, DEFERRED, progress.timed());
progress.say(`\n${crashReportLines(afterCrash).join("\n")}\n`);
process.exitCode = passed(outcome) && survived(afterCrash) ? 0 : 1;

if (args.once) {
  await gate.stop();
  await fleet.stop();
} else {
  progress.say(nextSteps(gate.url, POOL, "demo-1", gate.token).join("\n"));
  progress.say("\nStays up until Ctrl-C.");
}

function endBy(signal: "SIGINT" | "SIGTERM"): void {
  progress.clear();
  process.exit(process.exitCode ?? 128 + constants.signals[signal]);
}

function fail(exitCode: number, message: string): never {
  console.error(message);
  process.exit(exitCode);
}
