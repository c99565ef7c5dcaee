import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";

/** As many as a backlog of one takes on Linux, and some more. */
const FILLING = 4;

/**
 * A host that is gone without a word: whoever connects to it waits. It listens with the shortest backlog, stands still,
 * and its backlog is full, so that the kernel drops every further SYN.
 */
export class BlackHole {
  readonly #process: ChildProcess;
  readonly #sockets: net.Socket[];
  readonly port: number;

  private constructor(process: ChildProcess, sockets: net.Socket[], port: number) {
    this.#process = process;
    this.#sockets = sockets;
    this.port = port;
  }

  static async start(): Promise<BlackHole> {
    const listen = `const server = require("node:net").createServer();
      server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));`;
    const child = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "ignore"] });
    const [line] = await once(child.stdout as NodeJS.ReadableStream, "data");
    const port = Number(line);
    child.kill("SIGSTOP");
    const sockets = Array.from({ length: FILLING }, () =>
      net.connect(port, "127.0.0.1").on("error", () => {}),
    );
    await once(sockets[0] as net.Socket, "connect");
    return new BlackHole(child, sockets, port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exited;
  }
}
