import type { Target } from "../client/target.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import type { Signals } from "../process/signals.ts";
import type { Reporter } from "../terminal/reporter.ts";
import { CloudflareStage } from "./cloudflare.ts";
import { GivenStage } from "./given.ts";
import { LocalStage } from "./local.ts";
import { play } from "./play.ts";
import type { Setting } from "./project.ts";
import { type Plan, Rehearsal } from "./rehearsal.ts";
import type { Report } from "./report.ts";
import type { Stage } from "./stage.ts";

/** On this machine. */
export async function rehearseLocally(plan: Plan, setting: Setting, signals: Signals, reporter: Reporter) {
  const stage = new LocalStage(setting);
  try {
    await unlessStopped(stage.open(), signals);
    return await perform(stage, plan, signals, reporter);
  } finally {
    await stage.close();
  }
}

/** On a deployment that is there. */
export async function rehearseAt(target: Target, plan: Plan, signals: Signals, reporter: Reporter) {
  return perform(new GivenStage(target), plan, signals, reporter);
}

interface DeployOptions extends Setting {
  keep: boolean;
}

/** On Cloudflare: what is deployed for it is deleted in the end, however it ends. */
export async function rehearseDeployed(
  plan: Plan,
  { keep, ...setting }: DeployOptions,
  signals: Signals,
  reporter: Reporter,
): Promise<Report> {
  const say = (words: string) => reporter.report({ event: "progress", words }, words);
  const stage = new CloudflareStage({ ...setting, say, stop: signals.stop });
  let isKept = false;
  try {
    // Not cut off by a signal: a deploy that is on its way would be there after its deletion.
    await stage.open();
    isKept = keep;
    return await perform(stage, plan, signals, reporter);
  } finally {
    if (isKept) {
      sayKept(stage, reporter);
      await stage.forget();
    } else await deleted(stage, signals, reporter);
  }
}

async function deleted(stage: CloudflareStage, signals: Signals, reporter: Reporter): Promise<void> {
  reporter.clear();
  const left = await signals.cleanUp(({ now }) => stage.close(now));
  for (const name of left) {
    const words = `${name} may still be there: wrangler delete --name ${name}`;
    reporter.report({ event: "left", worker: name, words }, reporter.style("red", words));
    process.exitCode = EXIT.unreachable;
  }
  if (left.length === 0 && stage.url !== "")
    reporter.report({ event: "deleted", worker: stage.name }, `${stage.name} is deleted`);
}

/** The token is told once: nobody else has it. */
function sayKept({ url, token, name }: CloudflareStage, reporter: Reporter): void {
  const words = [
    `kept; again: SLUICE_TOKEN=${token} sluice rehearse --url ${url}`,
    `to delete it: wrangler delete --name ${name} && wrangler delete --name ${name}-servers`,
  ];
  for (const line of words) reporter.report({ event: "kept", url, token, worker: name, words: line }, line);
}

async function perform(stage: Stage, plan: Plan, signals: Signals, reporter: Reporter): Promise<Report> {
  const rehearsal = new Rehearsal(stage, plan, reporter);
  try {
    return await unlessStopped(play(rehearsal), signals);
  } finally {
    reporter.clear();
    // An act that was broken off may have left its drain.
    if (signals.stop.aborted && stage.where === "url") await rehearsal.resume().catch(() => {});
  }
}

/** Rejects at the first signal, if `work` has not ended before; what becomes of that is nobody's concern then. */
function unlessStopped<T>(work: Promise<T>, { stop, exitCode }: Signals): Promise<T> {
  const stopped = new Promise<never>((_, reject) => {
    const onStop = () => reject(stop.reason ?? new CliError(exitCode, "interrupted"));
    if (stop.aborted) onStop();
    else stop.addEventListener("abort", onStop, { once: true });
  });
  return Promise.race([work, stopped]);
}
