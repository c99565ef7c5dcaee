import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, release, totalmem } from "node:os";
import { type Bundles, bundleAll } from "../subjects/bundles.ts";
import { workerdPath } from "../subjects/workerd.ts";

/** What there is to measure with. */
export interface Gear {
  bundles: Bundles;
  /** Versions; `null`: not installed. */
  haproxy: string | null;
  wrk: string | null;
  pinned: boolean;
}

export async function findGear(pinned: boolean, { readable = false } = {}): Promise<Gear> {
  return {
    bundles: await bundleAll(readable),
    haproxy: version("haproxy", ["-v"], /version (\S+)/),
    wrk: version("wrk", ["-v"], /wrk (\S+)/),
    pinned,
  };
}

/** For the head of every report: figures without a machine say nothing. */
export function describeMachine(gear: Gear): Record<string, string> {
  const { pinned, wrk, haproxy } = gear;
  const require = createRequire(import.meta.url);
  // Not availableParallelism(): this process has given one of them away.
  const cores = cpus().length;
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${cpus()[0]?.model.trim()}, ${cores} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    cores: pinned ? "proxy on core 0, load generator and servers on the rest" : "not shared out",
    kernel: `Linux ${release()}, storage on ${filesystem()}`,
    Node: process.version,
    workerd: version(workerdPath(), ["--version"], /workerd (\S+)/) ?? "unknown",
    wrangler: require("wrangler/package.json").version,
    "load generator": wrk ? `wrk ${wrk}` : "bench/load/fallback.ts, as wrk is not installed (Debian: wrk)",
    HAProxy: haproxy ?? "not installed (Debian: haproxy)",
  };
}

function version(command: string, args: string[], pattern: RegExp): string | null {
  try {
    return pattern.exec(execFileSync(command, args, { encoding: "utf8", stdio: "pipe" }))?.[1] ?? "?";
  } catch (error) {
    // wrk tells its version and ends with 1.
    const told = (error as { stdout?: string }).stdout;
    return told ? (pattern.exec(told)?.[1] ?? "?") : null;
  }
}

/** A commit in memory costs nothing: whoever reads the figures has to know. */
function filesystem(): string {
  const folder = process.env.TMPDIR ?? "/tmp";
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, point = "?"]) => point === "/" || `${folder}/`.startsWith(`${point}/`));
  return (
    mounts.toSorted((a, b) => (b[1]?.length ?? 0) - (a[1]?.length ?? 0))[0]?.[2] ?? "an unknown file system"
  );
}
