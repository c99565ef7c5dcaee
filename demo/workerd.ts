import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

export interface Workerd {
  process: ChildProcess;
  /** The ports by the names of their sockets, once it listens on all of them. Rejects if it ends before. */
  listening: Promise<Map<string, number>>;
}

/** Starts the runtime itself, without a development server in between. `onLine`: told each line that it prints. */
export function startWorkerd(config: string, sockets: number, onLine = (_: string) => {}): Workerd {
  const child = spawn(workerdPath(), ["serve", config, "--experimental", "--control-fd=3"], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const { promise, resolve, reject } = Promise.withResolvers<Map<string, number>>();
  const [ports, said] = [new Map<string, number>(), [] as string[]];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream as Readable }).on("line", (line) => {
      if (ports.size < sockets) said.push(line);
      onLine(line);
    });
  }
  child.once("error", reject);
  child.once("close", (code) => reject(new Error(`workerd ended with ${code}:\n${said.join("\n")}`)));
  createInterface({ input: child.stdio[3] as Readable }).on("line", (line) => {
    const event = JSON.parse(line) as { event: string; socket: string; port: number };
    if (event.event === "listen") ports.set(event.socket, event.port);
    if (ports.size === sockets) resolve(ports);
  });
  return { process: child, listening: promise };
}

function workerdPath(): string {
  const require = createRequire(import.meta.url);
  return require("workerd").default;
}
