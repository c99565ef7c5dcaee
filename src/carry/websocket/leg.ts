import type { Clock } from "../../link/clock.ts";
import type { Message } from "./backlog.ts";
import { type BacklogOptions, MessageBacklog } from "./backlog.ts";
import { type Close, fitting, NO_STATUS } from "./close.ts";

/** What a leg tells its relay. */
export interface LegEvents {
  onMessage(message: Message): void;
  /** A Close frame came; nothing else will. */
  onClose(close: Close): void;
  /** The connection is gone without one: broken off, or failed for a breach of the protocol. */
  onBreak(): void;
  /** The other end takes messages too slowly, or none at all. */
  onBehind(): void;
}

/** How long a failed connection may take to bring a Close frame that had come before it failed. */
const LAST_FRAME_MS = 50;

/** One of the two WebSockets that a relay joins: the one to the client, or the one to the server. */
export class Leg {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #events: LegEvents;
  readonly #backlog: MessageBacklog;
  readonly #over = Promise.withResolvers<void>();
  #closeCame: Close | null = null;
  #closeSent = false;
  #isBroken = false;

  constructor(socket: WebSocket, options: BacklogOptions, events: LegEvents) {
    this.#socket = socket;
    this.#clock = options.clock;
    this.#events = events;
    this.#backlog = new MessageBacklog(socket, options);
    this.#backlog.onStuck = () => events.onBehind();
    // The default, a Blob, would make sending on asynchronous and lose the order (since 2026-03-17).
    socket.binaryType = "arraybuffer";
    // Else the runtime answers closes by itself, before the other side has (since 2026-04-07).
    socket.accept({ allowHalfOpen: true });
    socket.addEventListener("message", ({ data }) => events.onMessage(data));
    socket.addEventListener("close", (event) => this.#heardClose(event));
    socket.addEventListener("error", () => this.#heardError());
  }

  /** The Close frame that came. */
  get closeCame(): Close | null {
    return this.#closeCame;
  }

  get closeSent(): boolean {
    return this.#closeSent;
  }

  /** Closed both ways, or broken. */
  get isOver(): boolean {
    return this.#isBroken || (this.#closeSent && this.#closeCame !== null);
  }

  /** Resolves once it is over. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Resolves once the other end has taken everything, or with `false` if it left that untouched for so long. */
  isTakenWithin(patienceMs: number): Promise<boolean> {
    return this.#backlog.isTakenWithin(patienceMs);
  }

  send(message: Message): void {
    if (this.#isBroken || this.#closeSent) return;
    if (!this.#backlog.push(message)) this.#events.onBehind();
  }

  /** Sends a Close frame behind all that waits; the first one counts. */
  close({ code, reason }: Close): void {
    if (this.#isBroken || this.#closeSent) return;
    this.#closeSent = true;
    if (code === NO_STATUS) this.#socket.close();
    else this.#socket.close(code, fitting(reason));
    if (this.isOver) this.#over.resolve();
  }

  /** The other end is known to be gone, though the runtime does not say so here. */
  abandon(): void {
    this.#isBroken = true;
    this.release();
    this.#over.resolve();
  }

  /** Nobody waits any more for what it has not taken. */
  release(): void {
    this.#backlog.drop();
  }

  #heardClose({ code, reason, wasClean }: CloseEvent): void {
    if (this.#isBroken) return;
    // `code` alone does not tell: a frame may well say 1006, though it must not.
    if (wasClean) this.#closed({ code, reason });
    else this.#break();
  }

  #closed(close: Close): void {
    this.#closeCame = close;
    if (this.isOver) this.#over.resolve();
    this.#events.onClose(close);
  }

  /** A failed write says nothing of what can still be read: the last frame that came may be a Close. */
  #heardError(): void {
    this.#clock.set(LAST_FRAME_MS, () => this.#break());
  }

  #break(): void {
    if (this.#isBroken || this.#closeCame) return;
    this.abandon();
    this.#events.onBreak();
  }
}
