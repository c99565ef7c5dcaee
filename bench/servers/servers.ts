import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { end, launch } from "../processes.ts";
import type { Arrivals, Counts, FromServers, ToServers, Works } from "./protocol.ts";

/** Longer than any service: whoever had something to do has shown it. */
const QUIET_MS = 200;

/** Between two looks whether anything was served. */
const LOOK_MS = 10;

/** Servers to put a proxy in front of, in a process of their own. */
export class Servers {
  readonly urls: string[];
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, ports: number[]) {
    this.#process = process;
    this.urls = ports.map((port) => `http://127.0.0.1:${port}`);
  }

  static async start(count: number): Promise<Servers> {
    const child = launch(process.execPath, [join(import.meta.dirname, "process.ts")], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const { ports } = (await ask(child, { kind: "open", count })) as { ports: number[] };
    return new Servers(child, ports);
  }

  async work(serviceMs: number): Promise<void> {
    await ask(this.#process, { kind: "work", serviceMs });
  }

  async counts(): Promise<Counts> {
    return (await ask(this.#process, { kind: "counts" })) as Counts;
  }

  /** Resolves once they have served more than `count`, since their start. */
  async untilMoreServed(count: number): Promise<void> {
    while ((await this.counts()).served <= count) await sleep(LOOK_MS);
  }

  /** What the load generator left behind when it went is served all the same: nobody else may have the servers before. */
  async untilQuiet(): Promise<Counts> {
    for (let last = await this.counts(); ; ) {
      await sleep(QUIET_MS);
      const counts = await this.counts();
      if (counts.served + counts.rejected === last.served + last.rejected) return counts;
      last = counts;
    }
  }

  /** Since the last call. */
  async works(): Promise<Works> {
    return (await ask(this.#process, { kind: "works" })) as Works;
  }

  /** Those since the last call. */
  async arrivals(): Promise<Arrivals> {
    return (await ask(this.#process, { kind: "arrivals" })) as Arrivals;
  }

  async hold(): Promise<void> {
    await ask(this.#process, { kind: "hold" });
  }

  async letGo(): Promise<void> {
    await ask(this.#process, { kind: "let-go" });
  }

  async stop(): Promise<void> {
    await end(this.#process);
  }
}

async function ask(child: ChildProcess, message: ToServers): Promise<FromServers> {
  const ended = new AbortController();
  const failed = once(child, "exit", { signal: ended.signal }).then(([code]) => {
    throw new Error(`the process of the servers ended with ${code}`);
  });
  failed.catch(() => {});
  const answered = once(child, "message", { signal: ended.signal });
  answered.catch(() => {});
  child.send(message);
  try {
    const [answer] = await Promise.race([answered, failed]);
    return answer as FromServers;
  } finally {
    ended.abort();
  }
}
