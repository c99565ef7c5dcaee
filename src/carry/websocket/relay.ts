import { Clock } from "../../link/clock.ts";
import type { CutOff } from "../../scheduler/terms/lease-end.ts";
import { Silence } from "../silence.ts";
import type { Share } from "./backlog.ts";
import { type Message, sizeOf } from "./backlog.ts";
import {
  type Close,
  GOING_AWAY,
  mayBeSent,
  POLICY_VIOLATION,
  PROTOCOL_ERROR,
  TRY_AGAIN_LATER,
} from "./close.ts";
import { Excess } from "./excess.ts";
import { Leg } from "./leg.ts";

/** How long either end may take to answer a Close frame, once it has taken what was sent before. */
const CLOSE_ANSWER_MS = 10_000;

/** What the server's WebSocket is on. Cut, it is gone for both ends at once, and no Close frame is sent. */
export interface ServerConnection {
  readonly signal: AbortSignal;
  /** How the lease ends because it was cut. */
  readonly cause: Exclude<CutOff, "early"> | null;
  cut(by: "client" | "longest"): void;
}

/** How the server's part of a WebSocket ends. */
export type WebSocketEnd = "done" | Exclude<CutOff, "early">;

export interface RelayOptions {
  onClientAbort: "finish" | "cancel";
  /** Longest silence in both directions. */
  websocketIdleMs: number | null;
  /** How long the client may leave untouched what waits for it. */
  clientTimeoutMs: number;
  /** Memory for the messages that wait for one end. */
  share: () => Share | null;
}

/**
 * Joins the client's WebSocket and the server's: passes messages and Close frames on, both ways, and knows when the
 * server is done. It is once its closing handshake is over, or its connection; a bounded time after either end has
 * begun to close, or the client is gone, its connection is cut.
 */
export class WebSocketRelay {
  /** The end that goes into the response. */
  readonly clientEnd: WebSocket;
  readonly #connection: ServerConnection;
  readonly #onClientAbort: RelayOptions["onClientAbort"];
  readonly #clock = new Clock();
  readonly #client: Leg;
  readonly #server: Leg;
  readonly #idle: Silence | null;
  readonly #ended = Promise.withResolvers<WebSocketEnd>();
  readonly #excess = new Excess();
  #bytes = 0;
  #clientLeft = false;
  #clientIsBehind = false;
  /** The server's time to end by itself runs. */
  #isClosing = false;
  /** One end has failed: no message is passed on any more. */
  #isFailed = false;

  constructor(server: WebSocket, connection: ServerConnection, options: RelayOptions) {
    const { onClientAbort, websocketIdleMs, clientTimeoutMs, share } = options;
    const pair = new WebSocketPair();
    const clock = this.#clock;
    this.clientEnd = pair[0];
    this.#connection = connection;
    this.#onClientAbort = onClientAbort;
    this.#client = new Leg(
      pair[1],
      { clock, share: share(), patienceMs: clientTimeoutMs },
      {
        onMessage: (message) => this.#pass(message, this.#server),
        onClose: (close) => this.#clientCloses(close),
        onBreak: () => this.#clientGone(),
        onBehind: () => this.#clientBehind(),
      },
    );
    this.#server = new Leg(
      server,
      { clock, share: share(), patienceMs: Number.POSITIVE_INFINITY },
      {
        onMessage: (message) => this.#fromServer(message),
        onClose: (close) => this.#serverCloses(close),
        onBreak: () => this.#serverBreaks(),
        onBehind: () => this.#serverBehind(),
      },
    );
    this.#idle = websocketIdleMs === null ? null : new Silence(clock, websocketIdleMs, () => this.#timeOut());
    void this.#excess.tooMuch.then(() => connection.cut("client"));
    connection.signal.addEventListener("abort", () => this.#cut());
    if (connection.signal.aborted) this.#cut();
  }

  /** Resolves once the server is done, or cut off. The client may not have everything by then (`clientClosed`). */
  get ended(): Promise<WebSocketEnd> {
    return this.#ended.promise;
  }

  /** Bytes and characters that the server has sent. */
  get bytes(): number {
    return this.#bytes;
  }

  get clientLeft(): boolean {
    return this.#clientLeft;
  }

  /** Resolves if an end goes on sending though it was told to stop, as nobody takes it. */
  get flooded(): Promise<void> {
    return this.#excess.tooMuch;
  }

  /** After `ended`. Resolves once nothing more can be said to the client; `false`: its connection has to be broken off. */
  async clientClosed(): Promise<boolean> {
    // A Close frame would only come behind all that a client that is behind does not take.
    if (!this.#clientIsBehind) await Promise.race([this.#clientHasAll(), this.flooded]);
    this.#clock.stop();
    for (const leg of [this.#client, this.#server]) leg.release();
    return this.#client.isOver;
  }

  async #clientHasAll(): Promise<void> {
    const client = this.#client;
    const hasAll = await client.isTakenWithin(CLOSE_ANSWER_MS);
    if (hasAll && client.closeSent) await Promise.race([client.over, scheduler.wait(CLOSE_ANSWER_MS)]);
  }

  /** The client has left before it could take up its end, which then hears of nothing. */
  clientLost(): void {
    this.#client.abandon();
    this.#clientGone();
  }

  /** The client has left without a Close frame, or has to be failed. */
  #clientGone(close: Close = { code: GOING_AWAY, reason: "the client is gone" }): void {
    this.#clientLeft = true;
    this.#isFailed = true;
    const { closeCame } = this.#server;
    if (closeCame) {
      // Nobody else is left to answer it.
      this.#server.close(closeCame);
      void this.#serverClosed();
    } else if (this.#onClientAbort === "cancel") {
      this.#connection.cut("client");
    } else {
      this.#server.close(close);
      void this.#giveTime("client", [this.#server]);
    }
  }

  #fromServer(message: Message): void {
    this.#bytes += sizeOf(message);
    this.#pass(message, this.#client);
  }

  #pass(message: Message, to: Leg): void {
    if (this.#isFailed) {
      this.#excess.add(sizeOf(message));
    } else {
      this.#idle?.heard();
      to.send(message);
    }
  }

  #clientCloses(close: Close): void {
    if (!mayBeSent(close.code)) {
      this.#client.close(invalid(close));
      this.#clientGone({ code: PROTOCOL_ERROR, reason: "the client sent an invalid close code" });
      return;
    }
    this.#server.close(close);
    void (this.#server.closeCame ? this.#serverClosed() : this.#giveTime("client"));
  }

  #serverCloses(close: Close): void {
    if (!mayBeSent(close.code)) {
      this.#client.close({ code: PROTOCOL_ERROR, reason: "the server sent an invalid close code" });
      this.#server.close(invalid(close));
      this.#end("broken");
      return;
    }
    this.#client.close(close);
    void (this.#server.closeSent ? this.#serverClosed() : this.#giveTime("client"));
  }

  /** Both Close frames are there, if the server takes ours: what it is told before may still wait. */
  async #serverClosed(): Promise<void> {
    if (await this.#server.isTakenWithin(CLOSE_ANSWER_MS)) this.#end("done");
    else this.#connection.cut("client");
  }

  #serverBreaks(): void {
    // Told to close, it has just done so. Many do not answer, and it is no failure of theirs.
    this.#end(this.#server.closeSent ? "done" : "broken");
  }

  #clientBehind(): void {
    this.#excess.begin();
    this.#clientIsBehind = true;
    this.#client.close({ code: POLICY_VIOLATION, reason: "messages were taken too slowly" });
    this.#clientGone({ code: TRY_AGAIN_LATER, reason: "the client takes messages too slowly" });
  }

  #serverBehind(): void {
    this.#excess.begin();
    this.#client.close({ code: TRY_AGAIN_LATER, reason: "the server takes messages too slowly" });
    this.#connection.cut("client");
  }

  #timeOut(): void {
    const close = { code: GOING_AWAY, reason: "nothing was said for too long" };
    this.#client.close(close);
    this.#server.close(close);
    void this.#giveTime("longest");
  }

  /**
   * A bounded time for the closing handshake; then the server's connection is cut. It runs once `readers` have taken
   * what was sent before the Close frame.
   */
  async #giveTime(by: "client" | "longest", readers = [this.#client, this.#server]): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    await Promise.all(readers.map((leg) => leg.isTakenWithin(CLOSE_ANSWER_MS)));
    this.#clock.set(CLOSE_ANSWER_MS, () => {
      const { closeCame } = this.#server;
      if (closeCame) this.#server.close(closeCame);
      this.#connection.cut(by);
    });
  }

  #cut(): void {
    // Not after the client's own Close frame: its answer would say that the server had got that.
    if (!this.#client.closeCame) {
      this.#client.close({ code: GOING_AWAY, reason: "the connection was cut off" });
    }
    this.#end(this.#connection.cause ?? "client");
  }

  /** How the server ended; the first who knows counts. */
  #end(end: WebSocketEnd): void {
    this.#isFailed = true;
    this.#idle?.stop();
    this.#ended.resolve(end);
  }
}

function invalid({ code }: Close): Close {
  return { code: PROTOCOL_ERROR, reason: `${code} may not be sent` };
}
