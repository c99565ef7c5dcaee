import type { Clock } from "../../link/clock.ts";
import type { Message } from "./backlog.ts";
import { type BacklogOptions, MessageBacklog } from "./backlog.ts";
import { type Close, NO_STATUS, truncate } from "./close.ts";

/** What a leg reports to its relay. */
export interface LegEvents {
  onMessage(message: Message): void;
  /** A Close frame has arrived; nothing follows it. */
  onClose(close: Close): void;
  /** The connection is gone without a Close frame: it broke off, or the peer violated the protocol. */
  onBreak(): void;
  /** The peer reads messages too slowly, or not at all. */
  onTooSlow(): void;
}

/** After an error, how long the runtime may take to deliver a Close frame that had arrived before the error. */
const LAST_FRAME_MS = 50;

/** One of the two WebSockets that a relay joins. Its peer is the client or the server. */
export class Leg {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #events: LegEvents;
  readonly #backlog: MessageBacklog;
  readonly #over = Promise.withResolvers<void>();
  #closeReceived: Close | null = null;
  #closeSent = false;
  #isBroken = false;

  constructor(socket: WebSocket, options: BacklogOptions, events: LegEvents) {
    this.#socket = socket;
    this.#clock = options.clock;
    this.#events = events;
    this.#backlog = new MessageBacklog(socket, options);
    this.#backlog.onStuck = () => events.onTooSlow();
    // A Blob, the default since compatibility date 2026-03-17, can only be read asynchronously: messages would lose
    // their order.
    socket.binaryType = "arraybuffer";
    // Half-open, or the runtime would answer a Close frame by itself, before the other leg's peer does (since
    // compatibility date 2026-04-07).
    socket.accept({ allowHalfOpen: true });
    socket.addEventListener("message", ({ data }) => events.onMessage(data));
    socket.addEventListener("close", (event) => this.#onClose(event));
    socket.addEventListener("error", () => this.#onError());
  }

  get closeReceived(): Close | null {
    return this.#closeReceived;
  }

  get closeSent(): boolean {
    return this.#closeSent;
  }

  /** True once Close frames have passed both ways, or the connection broke. */
  get isOver(): boolean {
    return this.#isBroken || (this.#closeSent && this.#closeReceived !== null);
  }

  /** Resolves when `isOver` becomes true. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Resolves with true once everything is sent, or with false once the peer has read nothing for `patienceMs`. */
  untilFlushed(patienceMs: number): Promise<boolean> {
    return this.#backlog.untilFlushed(patienceMs);
  }

  send(message: Message): void {
    if (this.#isBroken || this.#closeSent) return;
    if (!this.#backlog.push(message)) this.#events.onTooSlow();
  }

  /** Sends a Close frame after all unsent messages. Only the first call has an effect. */
  close({ code, reason }: Close): void {
    if (this.#isBroken || this.#closeSent) return;
    this.#closeSent = true;
    if (code === NO_STATUS) this.#socket.close();
    else this.#socket.close(code, truncate(reason));
    if (this.isOver) this.#over.resolve();
  }

  /** Treats the connection as broken: the peer is known to be gone, but the runtime has no event for that. */
  abandon(): void {
    this.#isBroken = true;
    this.release();
    this.#over.resolve();
  }

  /** Gives up the unsent messages and their share of memory. */
  release(): void {
    this.#backlog.drop();
  }

  #onClose({ code, reason, wasClean }: CloseEvent): void {
    if (this.#isBroken) return;
    // `code` alone does not tell: a peer may send 1006, although it must not.
    if (wasClean) this.#receiveClose({ code, reason });
    else this.#break();
  }

  #receiveClose(close: Close): void {
    this.#closeReceived = close;
    if (this.isOver) this.#over.resolve();
    this.#events.onClose(close);
  }

  /** Waits for a last frame: after a write has failed, a Close frame that arrived before can still be read. */
  #onError(): void {
    this.#clock.set(LAST_FRAME_MS, () => this.#break());
  }

  #break(): void {
    if (this.#isBroken || this.#closeReceived) return;
    this.abandon();
    this.#events.onBreak();
  }
}
