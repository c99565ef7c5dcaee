import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

export interface Workerd {
  process: ChildProcess;
  /** The ports by the names of their sockets, once it listens on all of them. Rejects if it ends before. */
  listening: Promise<Map<string, number>>;
}

export interface WorkerdOptions {
  /** How many sockets the configuration has. */
  sockets: number;
  /** Told each line that it prints; without it, the runtime writes to our own output. */
  onLine?: ((line: string) => void) | undefined;
  env?: NodeJS.ProcessEnv | undefined;
  /** A file that stays open for as long as the runtime lives. */
  holds?: number | undefined;
  /** Sockets that listen already, by their file descriptors here, for those of the configuration with these names. */
  handedOn?: ReadonlyMap<string, number> | undefined;
  /** In a process group of its own, where a terminal's Ctrl-C does not reach it. */
  detached?: boolean | undefined;
  /** Further ones, of `workerd serve`. */
  flags?: readonly string[] | undefined;
}

/** Starts the runtime itself, without a development server in between. `binary`: where it is. */
export function startWorkerd(
  binary: string,
  config: string,
  {
    sockets,
    onLine,
    env = process.env,
    holds,
    handedOn = new Map(),
    detached = false,
    flags = [],
  }: WorkerdOptions,
): Workerd {
  const output = onLine ? "pipe" : "inherit";
  const stdio: StdioOptions = ["ignore", output, output, "pipe", ...(holds === undefined ? [] : [holds])];
  const args = [...handedOn].map(([name, descriptor]) => `--socket-fd=${name}=${stdio.push(descriptor) - 1}`);
  const child = spawn(binary, ["serve", config, "--experimental", "--control-fd=3", ...args, ...flags], {
    stdio,
    env,
    detached,
  });
  const listening = new Promise<Map<string, number>>((resolve, reject) => {
    const [ports, said] = [new Map<string, number>(), [] as string[]];
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on("line", (line) => {
        if (ports.size < sockets) said.push(line);
        onLine?.(line);
      });
    }
    child.once("error", reject);
    child.once("close", (code, signal) =>
      reject(new Error([`workerd ended with ${code ?? signal}:`, ...said].join("\n"))),
    );
    createInterface({ input: child.stdio[3] as Readable }).on("line", (line) => {
      const event = JSON.parse(line) as { event: string; socket: string; port: number };
      if (event.event === "listen") ports.set(event.socket, event.port);
      if (ports.size === sockets) resolve(ports);
    });
  });
  return { process: child, listening };
}
