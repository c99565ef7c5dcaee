import type { AdminClient } from "../client/admin-client.ts";
import { CliError, EXIT, toCliError } from "../exit-codes.ts";
import { type CommandEnd, runCommand } from "../process/run-command.ts";
import { type Signals, StopController } from "../process/signals.ts";
import { HeldSignals } from "./held-signals.ts";
import type { RegisterProgress } from "./register-progress.ts";
import { RegisteredServer, type Said } from "./registered-server.ts";

export interface RegisterOptions extends Said {
  /** Empty: there is none. */
  command: readonly string[];
  everyMs: number;
  drainTimeoutMs: number;
}

/**
 * Runs the command, and has its server in the pool meanwhile: registers, renews that, and leaves before the command gets
 * the signal that ends it. Resolves with the exit code.
 */
export async function register(
  client: AdminClient,
  options: RegisterOptions,
  signals: Signals,
  progress: RegisterProgress,
): Promise<number> {
  const { command, everyMs, drainTimeoutMs } = options;
  const server = new RegisteredServer(client, options, progress);
  const held = new HeldSignals(signals);
  const stop = new StopController();
  signals.on(() => stop.abort());
  const running = command.length === 0 ? null : start(command, held, progress);
  void running?.then(() => stop.abort());
  const refusal = await server.keepUp(everyMs, stop).then(() => null, toCliError);
  if (refusal) {
    progress.failed(refusal);
    held.release("SIGTERM");
    await running;
    return refusal.exitCode;
  }
  await leave(server, signals.first === null ? 0 : drainTimeoutMs, signals, progress);
  held.release();
  return (await running)?.code ?? EXIT.done;
}

async function start(
  command: readonly string[],
  held: HeldSignals,
  progress: RegisterProgress,
): Promise<CommandEnd> {
  progress.running(command);
  const end = await runCommand(command, process.env, held);
  progress.commandEnded(command, end);
  return end;
}

/** Never rejects: the command has to end in any case. A second signal gives up, and the registration ends by itself. */
function leave(
  server: RegisteredServer,
  timeoutMs: number,
  signals: Signals,
  progress: RegisterProgress,
): Promise<void> {
  progress.leaving(signals.first, timeoutMs);
  return signals.cleanUp(async (stop) => {
    try {
      progress.left(await server.leave(timeoutMs, stop));
    } catch (error) {
      const isGivenUp = stop.now.aborted && !(error instanceof CliError);
      progress.notTold(isGivenUp ? null : toCliError(error));
    }
  });
}
