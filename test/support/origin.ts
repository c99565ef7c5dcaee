import { once } from "node:events";
import http from "node:http";
import type { AddressInfo, Socket } from "node:net";

export type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** One request as the origin got it; nobody has answered it yet. */
export interface Arrival {
  request: http.IncomingMessage;
  response: http.ServerResponse;
}

/**
 * A server behind Sluice that a test plays itself: each request waits for the test in `arrival()`, unless the
 * test has set `answer`.
 */
export class Origin {
  answer: Handler | null = null;
  /** How many requests have come. */
  count = 0;
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();
  readonly #arrivals: Arrival[] = [];
  readonly #awaiting: ((arrival: Arrival) => void)[] = [];

  private constructor() {
    this.#server = http.createServer({ maxHeaderSize: 256 * 1024 });
    this.#server.on("request", (request, response) => this.#came({ request, response }));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    // Idle connections stay open as long as Sluice wants; a slow upload may take its time.
    this.#server.keepAliveTimeout = 0;
    this.#server.requestTimeout = 0;
  }

  static start(answer: Handler | null = null): Promise<Origin> {
    return Origin.startAt(0, answer);
  }

  static async startAt(port: number, answer: Handler | null = null): Promise<Origin> {
    const origin = new Origin();
    origin.answer = answer;
    origin.#server.listen(port, "127.0.0.1");
    await once(origin.#server, "listening");
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Called for each upgrade from now on, instead of whom it was before. */
  onUpgrade(handle: (request: http.IncomingMessage, socket: Socket, head: Buffer) => void): void {
    this.declineUpgrades();
    this.#server.on("upgrade", handle);
  }

  /** A request for an upgrade is an ordinary one from now on, as at first. */
  declineUpgrades(): void {
    this.#server.removeAllListeners("upgrade");
  }

  /** The next request that has not been looked at yet. */
  async arrival(): Promise<Arrival> {
    return this.#arrivals.shift() ?? new Promise((resolve) => this.#awaiting.push(resolve));
  }

  /** Forgets what came, who waited for it and how to answer. */
  reset(): void {
    this.answer = null;
    this.#arrivals.length = 0;
    this.#awaiting.length = 0;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    // Upgraded ones too, which the server itself has forgotten.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #came(arrival: Arrival): void {
    this.count++;
    if (this.answer) {
      this.answer(arrival.request, arrival.response);
      return;
    }
    const waiting = this.#awaiting.shift();
    if (waiting) waiting(arrival);
    else this.#arrivals.push(arrival);
  }
}

/** The whole body; rejects if it is cut off. */
export async function bodyOf(message: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}
