import type { Right } from "../../config/rights.ts";
import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { clock } from "../../words/times.ts";
import type { AdminClient } from "../client/admin-client.ts";
import { refuseWithout } from "../client/refuse-without.ts";
import { ownerName } from "../context.ts";
import { CliError, EXIT, toCliError } from "../exit-codes.ts";
import { runCommand } from "../process/run-command.ts";
import type { Signals } from "../process/signals.ts";
import { holderOf, quoted } from "../terminal/output.ts";
import type { RollProgress } from "./roll-progress.ts";
import { RollServer } from "./roll-server.ts";

export interface RollOptions {
  pool: string;
  command: readonly string[];
  drainTimeoutMs: number;
  /** After how long what is still in flight on the server is cut off; `undefined`: never. */
  cutMs: number | undefined;
  /** How long a server may take to be up after the command. */
  upTimeoutMs: number;
  onFailure: "resume" | "hold";
}

/** For how long a roll tries to put a server back, in ms. */
const PUT_BACK_MS = 120_000;
/** An operator has set the server to maintenance during the roll. */
const SKIPPED = "skipped";

/**
 * Server by server: takes it out of the pool, runs the command for it, waits until it is up and puts it back. Stops at
 * the first failure. Resolves with the exit code.
 */
export async function roll(
  client: AdminClient,
  options: RollOptions,
  signals: Signals,
  progress: RollProgress,
): Promise<number> {
  const { cutMs } = options;
  const rights: [Right, ...Right[]] = ["look", "servers", ...(cutMs === undefined ? [] : ["slots" as const])];
  await refuseWithout(rights, client, options.pool, signals.stop);
  const snapshot = await client.pool(options.pool, signals.stop);
  const servers = serversToRoll(snapshot, progress);
  if (!snapshot.checks && servers.length > 0) progress.unchecked();
  const owner = ownerName("roll");
  const done: string[] = [];
  for (const [index, { name, url }] of servers.entries()) {
    progress.next(name, index + 1, servers.length);
    const server = new RollServer(client, { pool: options.pool, name, owner, cutMs }, signals, progress);
    const code = await rollOne(server, url, options, signals, progress);
    if (code === SKIPPED) continue;
    if (code !== EXIT.done) {
      const notYet = servers.slice(index + 1).map((one) => one.name);
      progress.stopped(name, done, notYet);
      return code;
    }
    done.push(name);
  }
  progress.finished(done);
  return EXIT.done;
}

/** The servers that no operator has set to maintenance. */
function serversToRoll(snapshot: Snapshot, progress: RollProgress): ServerSnapshot[] {
  refuseIfHeld(snapshot);
  for (const { name, state } of snapshot.servers) if (state === "maint") progress.skipped(name);
  return snapshot.servers.filter(({ state }) => state === "ready");
}

/** Throws if the pool, or one of its servers, is drained by somebody else. */
function refuseIfHeld({ name, drain, servers }: Snapshot): void {
  if (drain) {
    const since = clock(drain.since, Date.now());
    throw new CliError(
      EXIT.held,
      `${name} is ${drain.stop ? "stopped" : "drained"} by ${holderOf(drain)} since ${since}`,
    );
  }
  const out = servers.find(({ state }) => state === "drain");
  if (out) {
    const how = `sluice server ${name} ${out.name} --state ready`;
    throw new CliError(EXIT.held, `${out.name} is out, by ${whoChanged(out)}; to put it back: ${how}`);
  }
}

/** The state has an owner only if who changed it has given one. */
function whoChanged({ stateOwner: owner, changedBy: by }: ServerSnapshot): string {
  if (owner === undefined) return by === undefined ? "another roll or by hand" : quoted(by);
  return holderOf({ owner, by: by ?? owner });
}

async function rollOne(
  server: RollServer,
  url: string,
  options: RollOptions,
  signals: Signals,
  progress: RollProgress,
): Promise<number | typeof SKIPPED> {
  let code: number;
  let ran = false;
  try {
    // The servers before took time, in which others may have changed the pool.
    const before = await server.look(Date.now() + options.drainTimeoutMs);
    refuseIfHeld(before);
    if (before.servers.some(({ name, state }) => name === server.name && state === "maint")) {
      progress.skipped(server.name);
      return SKIPPED;
    }
    const out = await server.takeOut(options.drainTimeoutMs, (now, leftMs) => progress.draining(now, leftMs));
    if (!out) progress.late(server.name, options.drainTimeoutMs);
    else progress.running(out, options.command);
    ran = out !== null;
    code = out ? await runAndWait(server, url, options, signals, progress) : EXIT.notDrained;
  } catch (error) {
    code = failed(error, signals, progress);
  }
  if (!server.mayBeOut) return code;
  if (code !== EXIT.done && ran && options.onFailure === "hold") {
    progress.held(server.name);
    return code;
  }
  return putBack(server, code, signals, progress);
}

async function runAndWait(
  server: RollServer,
  url: string,
  { command, upTimeoutMs }: RollOptions,
  signals: Signals,
  progress: RollProgress,
): Promise<number> {
  const env = { ...process.env, SLUICE_SERVER: server.name, SLUICE_SERVER_URL: url };
  const end = await runCommand(command, env, signals);
  progress.commandEnded(server.name, command, end);
  if (end.code !== EXIT.done) return end.code;
  if (signals.first) return signals.exitCode;
  const onWait = progress.comingUp.bind(progress);
  if (await server.whenUp(upTimeoutMs, onWait)) return EXIT.done;
  progress.notUp(server.name, upTimeoutMs);
  return EXIT.notDrained;
}

/** A second signal gives up. */
function putBack(
  server: RollServer,
  code: number,
  signals: Signals,
  progress: RollProgress,
): Promise<number> {
  return signals.cleanUp(async (leave) => {
    try {
      await server.putBack(leave, Date.now() + PUT_BACK_MS);
      progress.back(server.name);
      return code === EXIT.done && signals.first ? signals.exitCode : code;
    } catch (error) {
      const interrupted = leave.now.aborted && !(error instanceof CliError);
      const failure = interrupted ? new CliError(signals.exitCode, "interrupted") : toCliError(error);
      if (server.mayBeOut) progress.left(server.name, failure);
      else progress.failed(failure);
      return code === EXIT.done ? failure.exitCode : code;
    }
  });
}

function failed(error: unknown, signals: Signals, progress: RollProgress): number {
  if (signals.stop.aborted) return signals.exitCode;
  const failure = toCliError(error);
  progress.failed(failure);
  return failure.exitCode;
}
