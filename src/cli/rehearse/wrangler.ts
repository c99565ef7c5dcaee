import { type ChildProcess, spawn } from "node:child_process";
import { delimiter, dirname, join, resolve } from "node:path";
import { CliError, EXIT } from "../exit-codes.ts";

export interface WranglerEnd {
  code: number;
  /** What it has printed, both streams. */
  output: string;
}

export interface WranglerOptions {
  input?: string;
  env?: NodeJS.ProcessEnv;
}

/** The user's own wrangler: that of the project, or else the one on the search path. Nothing is downloaded. */
export class Wrangler {
  readonly #folder: string;
  readonly #path: string;
  #running: ChildProcess | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** `folder`: where its configuration files are. `project`: the user's. */
  constructor(folder: string, project: string) {
    this.#folder = folder;
    this.#path = [...binFolders(project), process.env.PATH ?? ""].join(delimiter);
  }

  /**
   * One run after another: a deletion that came before the end of a deploy would delete nothing. Rejects if there is no
   * wrangler. `input`: what it reads, so that a secret is in no list of processes.
   */
  run(args: readonly string[], options: WranglerOptions = {}): Promise<WranglerEnd> {
    const run = this.#last.then(() => this.#run(args, options));
    this.#last = run.catch(() => {});
    return run;
  }

  #run(args: readonly string[], { input = "", env = {} }: WranglerOptions): Promise<WranglerEnd> {
    return new Promise<WranglerEnd>((resolve, reject) => {
      const child = spawn("wrangler", args, {
        cwd: this.#folder,
        stdio: ["pipe", "pipe", "pipe"],
        // Ctrl-C in a terminal is for us: half a deploy would be left behind.
        detached: true,
        env: {
          ...process.env,
          WRANGLER_SEND_METRICS: "false",
          WRANGLER_HIDE_BANNER: "true",
          NO_COLOR: "1",
          ...env,
          PATH: this.#path,
        },
      });
      this.#running = child;
      let output = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          output += text;
        });
      }
      child.once("error", (error: NodeJS.ErrnoException) => reject(notRun(error)));
      child.once("close", (code) => resolve({ code: code ?? EXIT.signal, output }));
      child.stdin.on("error", () => {});
      child.stdin.end(input);
    });
  }

  /** Ends what is running, at once. */
  kill(): void {
    this.#running?.kill("SIGKILL");
  }
}

/** As npm does it for a script: every node_modules/.bin from the project upwards. */
function binFolders(project: string): string[] {
  const folder = resolve(project);
  const own = join(folder, "node_modules", ".bin");
  return dirname(folder) === folder ? [own] : [own, ...binFolders(dirname(folder))];
}

function notRun({ code, message }: NodeJS.ErrnoException): CliError {
  if (code !== "ENOENT") return new CliError(EXIT.notExecutable, `wrangler cannot be run: ${message}`);
  return new CliError(EXIT.notFound, "wrangler is not installed: npm install --save-dev wrangler");
}
