import { AdminClient } from "./client/admin-client.ts";
import { isInTheClear, targetOf } from "./client/target.ts";
import type { GlobalOptions } from "./program.ts";
import type { Output } from "./terminal/style.ts";

/** What a command works with. Results go to `out`, how it gets on to `err`. */
export interface Context {
  out: Output;
  err: Output;
  json: boolean;
}

export function contextOf(options: GlobalOptions): Context {
  return { out: process.stdout, err: process.stderr, json: options.json ?? false };
}

/** The admin side that the options, or the environment, name. */
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
