import { randomBytes } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { AdminClient } from "./client/admin-client.ts";
import { isInTheClear, targetOf } from "./client/target.ts";
import type { GlobalOptions } from "./program.ts";
import type { Output } from "./terminal/output.ts";

/** Where a command writes: its result to `out`, its progress to `err`. */
export interface Context {
  out: Output;
  err: Output;
  json: boolean;
}

export function contextOf(options: GlobalOptions): Context {
  return { out: process.stdout, err: process.stderr, json: options.json ?? false };
}

/** For the admin side that the options or the environment name. */
export function clientOf(options: GlobalOptions): AdminClient {
  const target = targetOf(options, process.env);
  if (isInTheClear(target)) {
    process.stderr.write(`sluice: warning: the token travels unencrypted to ${target.url}; use https.\n`);
  }
  return new AdminClient(target);
}

export function printJson(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value)}\n`);
}

export function printLines(output: Output, lines: readonly string[]): void {
  output.write(`${lines.join("\n")}\n`);
}

const LONGEST_OWNER = 200;

/** The owner of a drain: readable for others, and unique, so that two runs never share a drain. */
export function ownerName(command: string): string {
  return `${userName()}@${hostname()} ${command} ${randomBytes(4).toString("hex")}`.slice(-LONGEST_OWNER);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container the user may have no name.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
