import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { clock } from "../../words/times.ts";
import type { AdminClient } from "../client/admin-client.ts";
import { ownerName } from "../deploy/identity.ts";
import { CliError, EXIT, toCliError } from "../exit-codes.ts";
import { runCommand } from "../process/run-command.ts";
import type { Signals } from "../process/signals.ts";
import { quoted } from "../terminal/printable.ts";
import type { RollNews } from "./roll-news.ts";
import { RolledServer } from "./rolled-server.ts";

export interface RollOptions {
  pool: string;
  command: readonly string[];
  drainTimeoutMs: number;
  /** How long a server may take to be up again. */
  upTimeoutMs: number;
  onFailure: "resume" | "hold";
}

/** How long it is tried to put a server back. */
const PUT_BACK_MS = 120_000;
/** An operator has put the server into maintenance since the roll began. */
const SKIPPED = "skipped";

/**
 * Takes one server after the other out of its pool, runs the command for it, waits until it is up and puts it
 * back; the rest of the pool serves on. Stops at the first that fails. Resolves with the exit code.
 */
export async function roll(
  client: AdminClient,
  options: RollOptions,
  signals: Signals,
  news: RollNews,
): Promise<number> {
  const servers = serversToRoll(await client.pool(options.pool, signals.stop), news);
  const owner = ownerName("roll");
  const done: string[] = [];
  for (const [index, { name, url }] of servers.entries()) {
    news.next(name, index + 1, servers.length);
    const server = new RolledServer(client, { pool: options.pool, name, owner }, signals, news);
    const code = await rollOne(server, url, options, signals, news);
    if (code === SKIPPED) continue;
    if (code !== EXIT.done) {
      const notYet = servers.slice(index + 1).map((one) => one.name);
      news.stopped(name, done, notYet);
      return code;
    }
    done.push(name);
  }
  news.finished(done);
  return EXIT.done;
}

/** All but those that an operator keeps in maintenance. */
function serversToRoll(snapshot: Snapshot, news: RollNews): ServerSnapshot[] {
  refuseIfHeld(snapshot);
  for (const { name, state } of snapshot.servers) if (state === "maint") news.skipped(name);
  return snapshot.servers.filter(({ state }) => state === "ready");
}

/** A pool that somebody else is at is left alone. */
function refuseIfHeld({ name, drain, servers }: Snapshot): void {
  if (drain) {
    const since = clock(drain.since, Date.now());
    throw new CliError(EXIT.held, `${name} is drained by ${quoted(drain.owner)} since ${since}`);
  }
  const out = servers.find(({ state }) => state === "drain");
  if (out) {
    const how = `sluice server ${name} ${out.name} --state ready`;
    const by = out.stateOwner ? quoted(out.stateOwner) : "another roll or by hand";
    throw new CliError(EXIT.held, `${out.name} is out, by ${by}; to put it back: ${how}`);
  }
}

async function rollOne(
  server: RolledServer,
  url: string,
  options: RollOptions,
  signals: Signals,
  news: RollNews,
): Promise<number | typeof SKIPPED> {
  let code: number;
  let ran = false;
  try {
    // Those before it took their time: much may have changed since.
    const before = await server.look(Date.now() + options.drainTimeoutMs);
    refuseIfHeld(before);
    if (before.servers.some(({ name, state }) => name === server.name && state === "maint")) {
      news.skipped(server.name);
      return SKIPPED;
    }
    const idle = await server.takeOut(options.drainTimeoutMs, (now, leftMs) => news.draining(now, leftMs));
    if (!idle) news.late(server.name, options.drainTimeoutMs);
    ran = idle;
    code = idle ? await runAndWait(server, url, options, signals, news) : EXIT.notDrained;
  } catch (error) {
    code = failed(error, signals, news);
  }
  if (!server.mayBeOut) return code;
  if (code !== EXIT.done && ran && options.onFailure === "hold") {
    news.held(server.name);
    return code;
  }
  return putBack(server, code, signals, news);
}

async function runAndWait(
  server: RolledServer,
  url: string,
  { command, upTimeoutMs }: RollOptions,
  signals: Signals,
  news: RollNews,
): Promise<number> {
  news.running(server.name, command);
  const env = { ...process.env, SLUICE_SERVER: server.name, SLUICE_SERVER_URL: url };
  const end = await runCommand(command, env, signals);
  news.commandEnded(server.name, command, end);
  if (end.code !== EXIT.done) return end.code;
  if (signals.first) return signals.exitCode;
  if (await server.whenUp(upTimeoutMs, (now, leftMs) => news.comingUp(now, leftMs))) return EXIT.done;
  news.notUp(server.name, upTimeoutMs);
  return EXIT.notDrained;
}

/** A second signal leaves the server as it is. */
function putBack(server: RolledServer, code: number, signals: Signals, news: RollNews): Promise<number> {
  return signals.puttingRight(async (leave) => {
    try {
      await server.putBack(leave, Date.now() + PUT_BACK_MS);
      news.back(server.name);
      return code === EXIT.done && signals.first ? signals.exitCode : code;
    } catch (error) {
      const interrupted = leave.now.aborted && !(error instanceof CliError);
      const failure = interrupted ? new CliError(signals.exitCode, "interrupted") : toCliError(error);
      if (server.mayBeOut) news.left(server.name, failure.message);
      else news.failed(failure.message);
      return code === EXIT.done ? failure.exitCode : code;
    }
  });
}

function failed(error: unknown, signals: Signals, news: RollNews): number {
  if (signals.stop.aborted) return signals.exitCode;
  const { message, exitCode } = toCliError(error);
  news.failed(message);
  return exitCode;
}
