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

const START = join(import.meta.dirname, "../../demo/start.ts");

const started: Demo[] = [];
afterAll(() => {
  for (const demo of started) demo.dispose();
});

/** `npm start` as a process of its own; it and its files end with the test file at the latest. */
export class Demo {
  stdout = "";
  stderr = "";
  /** The exit code. */
  readonly exited: Promise<number | null>;
  readonly #process: ChildProcess;
  /** Where it has its temporary files. */
  readonly #folder = mkdtempSync(join(tmpdir(), "sluice-test-"));

  constructor(...args: string[]) {
    const demo = spawn(process.execPath, [START, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, TMPDIR: this.#folder },
    });
    demo.stdout.setEncoding("utf8").on("data", (text) => {
      this.stdout += text;
    });
    demo.stderr.setEncoding("utf8").on("data", (text) => {
      this.stderr += text;
    });
    this.exited = new Promise((resolve) => demo.once("close", resolve));
    this.#process = demo;
    started.push(this);
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

  /** Ends it at once. */
  dispose(): void {
    this.#process.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The ids of the processes that it has started and that run now. */
  async children(): Promise<number[]> {
    const processes = await running();
    return processes.filter(({ parent }) => parent === this.#process.pid).map(({ id }) => id);
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
