import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Gear } from "../measure/gear.ts";
import { launch } from "../processes.ts";

export interface Load {
  url: string;
  connections: number;
  seconds: number;
  headers?: Record<string, string>;
  /** Answers other than 2xx and 3xx are part of the result, not its end. */
  failuresAllowed?: boolean;
}

export interface Measured {
  requests: number;
  seconds: number;
  /** Of all answers, their headers included. */
  bytes: number;
  p50Ms: number;
  p99Ms: number;
  /** Connections, reads and writes that failed, and timeouts. */
  broken: number;
  /** Answers above 399. */
  failed: number;
}

/** Keeps every connection busy for so long: the next request follows the answer at once. */
export async function run(load: Load, gear: Gear): Promise<Measured> {
  const { url, connections, seconds, headers = {}, failuresAllowed = false } = load;
  const child = gear.wrk
    ? launch("wrk", wrkArguments(url, connections, seconds, headers), {
        stdio: ["ignore", "pipe", "inherit"],
      })
    : launch(process.execPath, [join(import.meta.dirname, "fallback.ts"), JSON.stringify(load)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
  const [output, [code]] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    once(child, "exit"),
  ]);
  const last = output.trim().split("\n").at(-1) ?? "";
  if (code !== 0) throw new Error(`the load generator ended with ${code}: ${output}`);
  const measured = JSON.parse(last) as Measured;
  if (measured.requests === 0 || measured.broken > 0 || (measured.failed > 0 && !failuresAllowed)) {
    throw new Error(`${url} with ${connections} connections: ${last}`);
  }
  return measured;
}

function wrkArguments(
  url: string,
  connections: number,
  seconds: number,
  headers: Record<string, string>,
): string[] {
  const given = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  return [
    ...["-t1", `-c${connections}`, `-d${Math.max(1, Math.round(seconds))}s`, "--timeout", "30s"],
    ...["-s", join(import.meta.dirname, "report.lua"), ...given, url],
  ];
}
