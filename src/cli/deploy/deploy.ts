import type { AdminClient } from "../client/admin-client.ts";
import { CliError, EXIT, toCliError } from "../exit-codes.ts";
import { type CommandEnd, runCommand } from "../process/run-command.ts";
import type { Signals, Stop } from "../process/signals.ts";
import type { DeployNews } from "./deploy-news.ts";
import { HeldDrain } from "./held-drain.ts";
import { ownerName } from "./identity.ts";

export interface DeployOptions {
  pool: string;
  command: readonly string[];
  drainTimeoutMs: number;
  /** How long the drain outlives the last sign of life of this run. */
  expiresMs: number;
  onFailure: "resume" | "hold";
  reason: string | undefined;
}

/** Drain, wait until nothing is in flight, run the command, resume. Resolves with the exit code. */
export async function deploy(
  client: AdminClient,
  options: DeployOptions,
  signals: Signals,
  news: DeployNews,
): Promise<number> {
  const { pool, reason, expiresMs } = options;
  const drain = new HeldDrain(client, pool, { owner: ownerName("deploy"), reason, expiresMs }, news);
  const refusal = await drainFirst(drain, options, signals, news);
  if (refusal !== null) return endDrain(drain, refusal, signals, news);
  const code = await runWhileDrained(drain, options, signals, news);
  if (code !== EXIT.done && options.onFailure === "hold") return leaveDrained(drain, code, signals, news);
  return endDrain(drain, code, signals, news);
}

/** `null`: nothing is in flight any more. Else the code to end with, for reasons that have been told. */
async function drainFirst(
  drain: HeldDrain,
  { drainTimeoutMs }: DeployOptions,
  signals: Signals,
  news: DeployNews,
): Promise<number | null> {
  try {
    const { result, snapshot } = await drain.begin(drainTimeoutMs, signals);
    if (result === "drained") return null;
    if (result === "late") news.late(snapshot, drainTimeoutMs);
    else news.lost(snapshot.drain);
    return EXIT.notDrained;
  } catch (error) {
    if (signals.stop.aborted) {
      news.interrupted(signals.first);
      return signals.exitCode;
    }
    return failed(error, news);
  }
}

/** Never rejects: whatever happens, the drain has to be ended, or left as it was asked for. */
async function runWhileDrained(
  drain: HeldDrain,
  { command }: DeployOptions,
  signals: Signals,
  news: DeployNews,
): Promise<number> {
  const done = new AbortController();
  try {
    news.running(command);
    const kept = drain.keepUp(done.signal).catch((error) => failed(error, news));
    const end = await runCommand(command, process.env, signals);
    done.abort();
    await kept;
    const code = codeOf(end, signals);
    news.commandEnded(command, end, code);
    return code;
  } catch (error) {
    return failed(error, news);
  } finally {
    done.abort();
  }
}

/** Who interrupts a command has not seen it succeed, whatever it says. */
function codeOf({ code }: CommandEnd, signals: Signals): number {
  return code === EXIT.done && signals.first ? signals.exitCode : code;
}

async function endDrain(drain: HeldDrain, code: number, signals: Signals, news: DeployNews): Promise<number> {
  if (!drain.mayBeOn) return code;
  return leaving(signals, news, drain, code, async (leave) => {
    const snapshot = await drain.resume(leave);
    if (snapshot) news.resumed(snapshot);
    return code;
  });
}

async function leaveDrained(
  drain: HeldDrain,
  code: number,
  signals: Signals,
  news: DeployNews,
): Promise<number> {
  if (!drain.mayBeOn) return code;
  return leaving(signals, news, drain, code, async (leave) => {
    news.held(await drain.leaveOn(leave));
    return code;
  });
}

/** A signal more than the one that ended the run leaves the drain to its own end. */
function leaving(
  signals: Signals,
  news: DeployNews,
  drain: HeldDrain,
  code: number,
  end: (leave: Stop) => Promise<number>,
): Promise<number> {
  return signals.puttingRight(
    async (leave) => {
      try {
        return await end(leave);
      } catch (error) {
        const left = leave.now.aborted;
        const failure = left && !(error instanceof CliError) ? null : toCliError(error);
        news.left(failure, drain.endsBy);
        if (code !== EXIT.done) return code;
        return failure && !left ? failure.exitCode : signals.exitCode;
      }
    },
    () => news.stillEnding(),
  );
}

function failed(error: unknown, news: DeployNews): number {
  const failure = toCliError(error);
  news.failed(failure);
  return failure.exitCode;
}
