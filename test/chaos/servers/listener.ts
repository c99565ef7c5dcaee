import http from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Journal, Trouble } from "../journal.ts";

/** Below the ports that the system gives to outgoing connections: one of those could take it in a restart. */
const [FIRST_PORT, LAST_PORT] = [10_000, 30_000];

interface On {
  /** Before anything is read from it. */
  connection: (socket: Socket) => void;
  request: http.RequestListener;
  upgrade: (request: http.IncomingMessage, socket: Socket, head: Buffer) => void;
}

/** A server's ear, on one port for good: it can be deaf for a while. */
export class Listener {
  readonly #server: string;
  readonly #journal: Journal;
  readonly #on: On;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #listening: http.Server | null = null;
  #reopening: { at: number; timer: NodeJS.Timeout; trouble: Trouble } | null = null;

  constructor(server: string, journal: Journal, on: On) {
    this.#server = server;
    this.#journal = journal;
    this.#on = on;
  }

  get port(): number {
    return this.#port;
  }

  get isOpen(): boolean {
    return this.#listening?.listening === true;
  }

  async open(): Promise<void> {
    const server = http.createServer(this.#on.request);
    server.on("connection", (socket) => this.#connected(socket));
    server.on("upgrade", (request, socket, head) => this.#on.upgrade(request, socket as Socket, head));
    this.#listening = server;
    while (!(await listens(server, this.#port || somePort()))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Refuses new connections for a while; those that are open stay. Called again, the later end counts. */
  shut(forMs: number): void {
    this.#listening?.close();
    this.#listening = null;
    const now = this.#journal.now();
    const trouble = this.#reopening?.trouble ?? this.#journal.trouble(this.#server);
    const at = Math.max(this.#reopening?.at ?? 0, now + forMs);
    clearTimeout(this.#reopening?.timer);
    this.#reopening = { at, timer: setTimeout(() => void this.#reopen(), at - now), trouble };
  }

  /** Resets those that are open. */
  hangUp(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  stop(): void {
    this.#listening?.close();
    clearTimeout(this.#reopening?.timer);
    this.hangUp();
  }

  async #reopen(): Promise<void> {
    await this.open();
    if (this.#reopening) this.#reopening.trouble.to = this.#journal.now();
    this.#reopening = null;
  }

  #connected(socket: Socket): void {
    socket.on("error", () => {});
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#on.connection(socket);
  }
}

/**
 * Ends a connection as a killed process would. One that is being closed already is only closed: its handle would
 * be leaked, and a Node that leaves such behind never exits (26.10, 2026-11-20).
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

function somePort(): number {
  return FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
}

function listens(server: http.Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
}
