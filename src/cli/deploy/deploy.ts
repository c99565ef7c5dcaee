import type { AdminClient } from "../client/admin-client.ts";
import { refuseWithout, rightsToDrain } from "../client/refuse-without.ts";
import { ownerName } from "../context.ts";
import { CliError, EXIT, toCliError } from "../exit-codes.ts";
import { type CommandEnd, runCommand } from "../process/run-command.ts";
import type { Signals } from "../process/signals.ts";
import type { DeployProgress } from "./deploy-progress.ts";
import { HeldDrain } from "./held-drain.ts";

export interface DeployOptions {
  pool: string;
  command: readonly string[];
  drainTimeoutMs: number;
  /** After how long what is still in flight is cut off; `undefined`: never. */
  cutMs: number | undefined;
  /** How long the drain lasts after this run has extended it the last time. */
  expiresMs: number;
  onFailure: "resume" | "hold";
  reason: string | undefined;
}

/** Drains, waits until nothing is in flight or it is cut off, runs the command, resumes. Resolves with the exit code. */
export async function deploy(
  client: AdminClient,
  options: DeployOptions,
  signals: Signals,
  progress: DeployProgress,
): Promise<number> {
  const { pool, reason, expiresMs, cutMs } = options;
  const terms = { owner: ownerName("deploy"), reason, expiresMs, cutMs };
  const drain = new HeldDrain(client, pool, terms, progress);
  const failure = await drainFirst(client, drain, options, signals, progress);
  const code = failure ?? (await runWhileDrained(drain, options, signals, progress));
  if (!drain.mayBeOn) return code;
  const isHeld = failure === null && code !== EXIT.done && options.onFailure === "hold";
  return finish(drain, isHeld, code, signals, progress);
}

/** `null`: drained. Otherwise the exit code of a failure, which has been reported. */
async function drainFirst(
  client: AdminClient,
  drain: HeldDrain,
  { pool, command, drainTimeoutMs, cutMs }: DeployOptions,
  signals: Signals,
  progress: DeployProgress,
): Promise<number | null> {
  try {
    await refuseWithout(rightsToDrain(cutMs), client, pool, signals.stop);
    const { result, snapshot } = await drain.begin(drainTimeoutMs, signals);
    if (result === "drained") {
      progress.drained(snapshot, command);
      return null;
    }
    if (result === "late") progress.late(snapshot, drainTimeoutMs);
    else progress.lost(snapshot.drain);
    return EXIT.notDrained;
  } catch (error) {
    if (signals.stop.aborted) {
      progress.interrupted(signals.first);
      return signals.exitCode;
    }
    return failed(error, progress);
  }
}

/** Never rejects, because the drain must be ended, or left on with `hold`, in any case. */
async function runWhileDrained(
  drain: HeldDrain,
  { command }: DeployOptions,
  signals: Signals,
  progress: DeployProgress,
): Promise<number> {
  const done = new AbortController();
  try {
    const extending = drain.keepUp(done.signal).catch((error) => failed(error, progress));
    const end = await runCommand(command, process.env, signals);
    done.abort();
    await extending;
    const code = codeOf(end, signals);
    progress.commandEnded(command, end, code);
    return code;
  } catch (error) {
    return failed(error, progress);
  } finally {
    done.abort();
  }
}

/** An interrupted command has not succeeded, even if it ends with 0. */
function codeOf({ code }: CommandEnd, signals: Signals): number {
  return code === EXIT.done && signals.first ? signals.exitCode : code;
}

/** Ends the drain, or leaves it on if it is held. A second signal gives up, and the drain then ends by itself. */
function finish(
  drain: HeldDrain,
  isHeld: boolean,
  code: number,
  signals: Signals,
  progress: DeployProgress,
): Promise<number> {
  return signals.cleanUp(
    async (leave) => {
      try {
        if (isHeld) progress.held(await drain.leaveOn(leave));
        else {
          const snapshot = await drain.resume(leave);
          if (snapshot) progress.resumed(snapshot);
        }
        return code;
      } catch (error) {
        const isGivenUp = leave.now.aborted;
        const failure = isGivenUp && !(error instanceof CliError) ? null : toCliError(error);
        progress.left(failure, drain.endsBy);
        if (code !== EXIT.done) return code;
        return failure && !isGivenUp ? failure.exitCode : signals.exitCode;
      }
    },
    () => progress.ending(),
  );
}

function failed(error: unknown, progress: DeployProgress): number {
  const failure = toCliError(error);
  progress.failed(failure);
  return failure.exitCode;
}
