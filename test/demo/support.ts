import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll } from "vitest";
import { portProblem } from "../../demo/port.ts";

const ROOT = join(import.meta.dirname, "../..");
const START = [process.execPath, join(ROOT, "demo/start.ts")];

/** The demos of a test file; they and their files end with it at the latest. */
export function useDemos() {
  const started: Demo[] = [];
  afterAll(() => {
    for (const demo of started) demo.dispose();
  });
  const kept = (demo: Demo) => {
    started.push(demo);
    return demo;
  };
  return {
    start: (...args: string[]) => kept(new Demo([...START, ...args])),
    /** With npm, and a shell of its, in between. */
    startByNpm: (...args: string[]) => kept(new Demo(["npm", "start", "--", ...args])),
  };
}

/** What `npm start` runs, as a process of its own. */
export class Demo {
  stdout = "";
  stderr = "";
  /** The exit code. */
  readonly exited: Promise<number | null>;
  readonly #process: ChildProcess;
  /** Where it has its temporary files. */
  readonly #folder = mkdtempSync(join(tmpdir(), "sluice-test-"));

  constructor([file = "", ...args]: string[]) {
    const demo = spawn(file, args, {
      cwd: ROOT,
      // A process group, which ends as a whole even if npm has ended alone.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      // npm would put its own compiled code among the temporary files.
      env: { ...process.env, TMPDIR: this.#folder, NODE_DISABLE_COMPILE_CACHE: "1" },
    });
    demo.stdout.setEncoding("utf8").on("data", (text) => {
      this.stdout += text;
    });
    demo.stderr.setEncoding("utf8").on("data", (text) => {
      this.stderr += text;
    });
    this.exited = new Promise((resolve) => demo.once("close", resolve));
    this.#process = demo;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async untilSays(text: string): Promise<void> {
    while (!this.stdout.includes(text)) {
      if (this.#process.exitCode !== null) throw new Error(`ended without "${text}":\n${this.stderr}`);
      await sleep(20);
    }
  }

  /** What is left of its temporary files. */
  files(): Promise<string[]> {
    return readdir(this.#folder);
  }

  /** Ends it, and all that it has started, at once. */
  dispose(): void {
    try {
      process.kill(-(this.#process.pid ?? Number.NaN), "SIGKILL");
    } catch {
      // All of it has ended.
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The ids of all processes that run now because of it. */
  async descendants(): Promise<number[]> {
    const found = new Set([this.#process.pid]);
    const processes = await running();
    for (let before = 0; before < found.size; ) {
      before = found.size;
      for (const { id, parent } of processes) if (found.has(parent)) found.add(id);
    }
    found.delete(this.#process.pid);
    return [...found] as number[];
  }
}

export async function stillRunning(ids: number[]): Promise<number[]> {
  return (await running()).map(({ id }) => id).filter((id) => ids.includes(id));
}

async function running(): Promise<{ id: number; parent: number }[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,stat="]);
  return (
    stdout
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      // A zombie has ended; it waits for somebody to ask how.
      .filter(([, , state]) => !state?.startsWith("Z"))
      .map(([id, parent]) => ({ id: Number(id), parent: Number(parent) }))
  );
}

/** Listens on a free port. */
export async function takePort(): Promise<{ port: number; release: () => Promise<void> }> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const release = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { port: (server.address() as AddressInfo).port, release };
}

/**
 * A free port that stays free until somebody asks for it by its number: it is none of those that the system hands
 * out by itself, to the tests beside this one too (Linux: from 32768 on).
 */
export async function freePort(): Promise<string> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    if ((await portProblem(port)) === null) return String(port);
  }
}
