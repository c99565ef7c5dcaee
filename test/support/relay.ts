import net from "node:net";
import { Transform } from "node:stream";

/** The network between two programs on this machine, which a test can cut, silence and mend. */
export class Relay {
  /** How long an answer takes on its way. */
  delayMs = 0;
  #target: number;
  readonly #sockets = new Set<net.Socket>();
  #server: net.Server | null = null;
  #port = 0;
  #silent = false;
  /** How the requests begin whose answers are held back. */
  #held: string | null = null;
  readonly #kept: { text: string; pass: () => void }[] = [];

  private constructor(target: number) {
    this.#target = target;
  }

  static async start(targetUrl: string): Promise<Relay> {
    const relay = new Relay(Number(new URL(targetUrl).port));
    await relay.mend();
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Breaks every connection, and takes no new one. */
  async cut(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** From now on swallows everything, and tells nobody: no connection breaks, none brings anything. */
  silence(): void {
    this.#silent = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** From now on holds back what is answered to requests that begin so: `POST /path`. */
  hold(request: string): void {
    this.#held = request;
  }

  /** Holds nothing back any more, and sends what it has kept. */
  release(): void {
    this.#held = null;
    for (const { pass } of this.#kept.splice(0)) pass();
  }

  /** What is held back so far. */
  get kept(): string {
    return this.#kept.map(({ text }) => text).join("");
  }

  /** Takes connections again, on the same port; to another program, if one is named. */
  async mend(targetUrl?: string): Promise<void> {
    // What was swallowed is lost, and with it the connections that it was on.
    if (this.#silent) await this.cut();
    this.#silent = false;
    if (targetUrl) this.#target = Number(new URL(targetUrl).port);
    const server = net.createServer((socket) => this.#join(socket, net.connect(this.#target, "127.0.0.1")));
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as net.AddressInfo).port;
    this.#server = server;
  }

  #join(one: net.Socket, other: net.Socket): void {
    let request = "";
    one.on("data", (chunk) => {
      [request = request] = /^[A-Z]+ \S+ /.exec(chunk.toString("latin1")) ?? [];
    });
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.#sockets.add(from);
      if (from === one) from.pipe(to);
      else from.pipe(this.#late(() => request)).pipe(to);
      if (this.#silent) from.pause();
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }

  #late(request: () => string): Transform {
    const late: Transform = new Transform({
      transform: (chunk, _, next) => {
        if (this.#held !== null && request().startsWith(this.#held)) {
          this.#kept.push({ text: chunk.toString(), pass: () => late.push(chunk) });
          next();
        } else setTimeout(() => next(null, chunk), this.delayMs);
      },
    });
    return late;
  }
}
