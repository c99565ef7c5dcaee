import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, constants, cpus, tmpdir } from "node:os";
import { join } from "node:path";

/** How long a process may take to end when asked, before it is killed. */
const PATIENCE_MS = 2_000;

const running = new Set<ChildProcess>();
const folders = new Set<string>();

/** Whatever way this process ends, short of SIGKILL, nothing that it started or wrote aside outlives it. */
export function cleanUpOnExit(): void {
  process.once("exit", () => {
    for (const child of running) child.kill("SIGKILL");
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}

export function launch(command: string, args: string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command, args, options);
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.once("error", () => running.delete(child));
  return child;
}

/** As `launch`, for what stands between clients and servers: it has core 0 for itself where cores are shared out. */
export function launchProxy(command: string, args: string[], options: SpawnOptions): ChildProcess {
  // taskset becomes the command: same process id.
  return pinning ? launch("taskset", ["-c", "0", command, ...args], options) : launch(command, args, options);
}

/** As `launch`, on any core: for several processes that share the work, and have no core for themselves. */
export function launchOnAll(command: string, args: string[], options: SpawnOptions): ChildProcess {
  const cores = `0-${cpus().length - 1}`;
  return pinning
    ? launch("taskset", ["-c", cores, command, ...args], options)
    : launch(command, args, options);
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const killer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  child.kill(signal);
  await exited;
  clearTimeout(killer);
}

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  folders.delete(folder);
  rmSync(folder, { recursive: true, force: true });
}

let pinning = false;

/**
 * Core 0 for the proxy under test, the others for load generator, servers and this process; children inherit
 * it. Less spread on a small machine, and the same for every subject. `false`: not possible here.
 */
export function shareOutCores(): boolean {
  const cores = availableParallelism();
  if (cores < 2) return false;
  try {
    execFileSync("taskset", ["-a", "-cp", `1-${cores - 1}`, String(process.pid)], { stdio: "ignore" });
    pinning = true;
  } catch {
    pinning = false;
  }
  return pinning;
}
