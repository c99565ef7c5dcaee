import { type ChildProcess, spawn } from "node:child_process";
import { onTestFinished } from "vitest";
import { commandPath } from "../support/bundle.ts";
import { TOKEN } from "../support/sluice.ts";

const PATIENCE_MS = 20_000;

export interface RunOptions {
  /** The value of SLUICE_URL. */
  url: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  input?: string | Buffer;
}

export type Event = { event: string } & Record<string, unknown>;

/** A process of the packaged command `sluice`. It ends with the test at the latest. */
export class Run {
  readonly #process: ChildProcess;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  readonly #changed = new Set<() => void>();
  /** The exit code, or the signal that ended it. */
  readonly code: Promise<number | NodeJS.Signals | null>;

  constructor(args: readonly string[], { url, env = {}, cwd, input = "" }: RunOptions) {
    this.#process = spawn(process.execPath, [commandPath(), ...args], {
      ...(cwd === undefined ? {} : { cwd }),
      // The tests compare plain words, even where the developer forces colours.
      // Without the developer's terminal, so that all signals come from the test.
      detached: true,
      env: { ...process.env, FORCE_COLOR: undefined, SLUICE_URL: url, SLUICE_TOKEN: TOKEN, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#process.stdin?.on("error", () => {});
    this.#process.stdin?.end(input);
    for (const [stream, chunks] of [
      [this.#process.stdout, this.#stdout],
      [this.#process.stderr, this.#stderr],
    ] as const) {
      stream?.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        for (const look of this.#changed) look();
      });
    }
    this.code = new Promise((resolve) =>
      this.#process.once("close", (code, signal) => resolve(code ?? signal)),
    );
    onTestFinished(async () => {
      this.#process.kill("SIGKILL");
      // `close` waits for the pipes, which a command that is still running holds open.
      this.#process.stdout?.destroy();
      this.#process.stderr?.destroy();
      await this.code;
    });
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString();
  }

  get stdoutBytes(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  /** The events of `--json` so far, without the output of the command that was run. */
  get events(): Event[] {
    const lines = this.stderr.split("\n").filter((line) => line.startsWith('{"'));
    return lines.map((line) => JSON.parse(line) as Event).filter(({ event }) => event !== undefined);
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Resolves with the first event of this kind. */
  async saw(event: string): Promise<Event> {
    await this.#until(() => this.events.some((one) => one.event === event), `event ${event}`);
    return this.events.find((one) => one.event === event) as Event;
  }

  /** Resolves once the output contains `text`. */
  async printed(text: string): Promise<void> {
    await this.#until(() => (this.stdout + this.stderr).includes(text), text);
  }

  #until(holds: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        this.#changed.delete(look);
        clearTimeout(timer);
        end();
      };
      const failed = (why: string) => new Error(`${why} without ${what}:\n${this.stdout}\n${this.stderr}`);
      const look = () => holds() && settle(resolve);
      const timer = setTimeout(() => settle(() => reject(failed("time is over"))), PATIENCE_MS);
      this.#changed.add(look);
      void this.code.then((code) =>
        settle(() => (holds() ? resolve() : reject(failed(`ended with ${code}`)))),
      );
      look();
    });
  }
}
