import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { onTestFinished } from "vitest";
import { commandPath } from "../support/bundle.ts";
import { TOKEN } from "../support/sluice.ts";
import { Folder } from "./script.ts";

const PATIENCE_MS = 20_000;
/** The sequences at the beginning and the end of a screen. */
const [HOME, REST_OF_SCREEN] = ["\u001b[H", "\u001b[J"];

export interface TerminalOptions {
  url: string;
  columns?: number;
  rows?: number;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

/** A real terminal, made by util-linux' `script`, that runs a `sluice` command. */
export class Terminal {
  readonly #process: ChildProcess;
  readonly #folder: Folder;
  #output = "";
  /** The command's exit code. */
  readonly code: Promise<number | null>;

  private constructor(process: ChildProcess, folder: Folder) {
    this.#process = process;
    this.#folder = folder;
    process.stdin?.on("error", () => {});
    process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
    });
    this.code = new Promise((resolve) => process.once("close", (code) => resolve(code)));
    onTestFinished(async () => {
      // The terminal ends with it, and everything that runs in the terminal.
      process.kill("SIGKILL");
      await this.code;
    });
  }

  static run(args: readonly string[], options: TerminalOptions): Promise<Terminal> {
    return Terminal.open([process.execPath, commandPath(), ...args], options);
  }

  /** The same with any command. */
  static async open(args: readonly string[], options: TerminalOptions): Promise<Terminal> {
    const { url, columns = 80, rows = 24, env = {}, cwd } = options;
    const folder = await Folder.make();
    const [tty, after] = ["tty", "after"].map((name) => quote(join(folder.path, name)));
    const line = [
      `stty cols ${columns} rows ${rows}; tty > ${tty}`,
      // Like an interactive shell, which Ctrl-C does not end while it runs a command.
      `trap : INT; ${args.map(quote).join(" ")}; code=$?`,
      `stty -a > ${after}; exit $code`,
    ].join("\n");
    const child = spawn("script", ["--quiet", "--flush", "--return", "--command", line, "/dev/null"], {
      ...(cwd === undefined ? {} : { cwd }),
      env: {
        ...process.env,
        FORCE_COLOR: undefined,
        NO_COLOR: undefined,
        // With it Node takes the terminal for a log without colours.
        CI: undefined,
        TERM: "xterm-256color",
        SHELL: "/bin/sh",
        SLUICE_URL: url,
        SLUICE_TOKEN: TOKEN,
        ...env,
      },
      stdio: ["pipe", "pipe", "inherit"],
    });
    return new Terminal(child, folder);
  }

  /** All output so far, escape sequences included. */
  get output(): string {
    return this.#output;
  }

  /** The lines of the last complete screen, without colours. */
  get screen(): string[] {
    const drawn = this.#output.slice(0, this.#output.lastIndexOf(REST_OF_SCREEN));
    const last = drawn.slice(drawn.lastIndexOf(HOME));
    return stripVTControlCharacters(last).split(/\r+\n/);
  }

  type(keys: string): void {
    this.#process.stdin?.write(keys);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await promisify(execFile)("stty", ["-F", await this.#tty(), "cols", `${columns}`, "rows", `${rows}`]);
  }

  /** True if the terminal edits lines and echoes keys, as a shell expects it. */
  async isCooked(): Promise<boolean> {
    const { stdout } = await promisify(execFile)("stty", ["-F", await this.#tty(), "-a"]);
    return isCooked(stdout);
  }

  /** The same after the end of the command. */
  async wasLeftCooked(): Promise<boolean> {
    return isCooked(await readFile(join(this.#folder.path, "after"), "utf8"));
  }

  async until(holds: (terminal: this) => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!holds(this)) {
      if (Date.now() > deadline) throw new Error(`not in time:\n${JSON.stringify(this.#output)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #tty(): Promise<string> {
    await this.#folder.until("tty");
    return (await readFile(join(this.#folder.path, "tty"), "utf8")).trim();
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function isCooked(modes: string): boolean {
  return ["icanon", "isig", "echo"].every((mode) => modes.split(/[\s;]+/).includes(mode));
}
