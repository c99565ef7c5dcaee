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

/** How long a side may take to answer a Close frame; before that, how long it may pause reading what precedes it. */
const CLOSE_ANSWER_MS = 10_000;
/** How long the server may take if an operator's drain has cut it off, and waits no longer for anything. */
const CUT_ANSWER_MS = 2_000;

/** The server's connection, below its WebSocket (`Connection`). A cut is immediate and sends no Close frame. */
export interface ServerConnection {
  readonly signal: AbortSignal;
  /** How the lease ends because of the cut; `null`: not cut. */
  readonly cause: Exclude<CutOff, "early"> | null;
  cut(by: "client" | "longest" | "lost" | "cut"): void;
}

/** How the server's part of a WebSocket ends, and its lease with it. */
export type WebSocketEnd = "done" | Exclude<CutOff, "early">;

export interface RelayOptions {
  onClientAbort: "finish" | "cancel";
  /** Longest silence of both sides together; `null`: no limit. */
  websocketIdleMs: number | null;
  /** How long the client may read nothing while messages for it are unsent. */
  clientTimeoutMs: number;
  /** Makes a share of memory for the unsent messages of one side. */
  share: () => Share | null;
}

/**
 * Joins the client's WebSocket and the server's: passes messages and Close frames on in both directions, and knows when
 * the server is done. It is done when its closing handshake is complete or its connection is gone. When either side
 * begins to close, or the client disconnects, the server gets a limited time for that; then its connection is cut.
 */
export class WebSocketRelay {
  /** The client's half of a WebSocketPair, for the response. */
  readonly clientSocket: WebSocket;
  readonly #connection: ServerConnection;
  readonly #onClientAbort: RelayOptions["onClientAbort"];
  readonly #clock = new Clock();
  readonly #client: Leg;
  readonly #server: Leg;
  readonly #idle: Silence | null;
  readonly #serverEnd = Promise.withResolvers<WebSocketEnd>();
  readonly #excess = new Excess();
  #bytes = 0;
  #clientLeft = false;
  #isClientTooSlow = false;
  /** The server's limited time to close by itself has begun. */
  #isClosing = false;
  /** Messages are no longer passed on, because one side has failed or the server is done. */
  #isFailed = false;

  constructor(server: WebSocket, connection: ServerConnection, options: RelayOptions) {
    const { onClientAbort, websocketIdleMs, clientTimeoutMs, share } = options;
    const pair = new WebSocketPair();
    const clock = this.#clock;
    this.clientSocket = pair[0];
    this.#connection = connection;
    this.#onClientAbort = onClientAbort;
    this.#client = new Leg(
      pair[1],
      { clock, share: share(), patienceMs: clientTimeoutMs },
      {
        onMessage: (message) => this.#pass(message, this.#server),
        onClose: (close) => this.#onClientClose(close),
        onBreak: () => this.#endWithoutClient(),
        onTooSlow: () => this.#failSlowClient(),
      },
    );
    this.#server = new Leg(
      server,
      { clock, share: share(), patienceMs: Number.POSITIVE_INFINITY },
      {
        onMessage: (message) => this.#onServerMessage(message),
        onClose: (close) => this.#onServerClose(close),
        onBreak: () => this.#onServerBreak(),
        onTooSlow: () => this.#failSlowServer(),
      },
    );
    this.#idle = websocketIdleMs === null ? null : new Silence(clock, websocketIdleMs, () => this.#timeOut());
    void this.#excess.tooMuch.then(() => connection.cut("client"));
    connection.signal.addEventListener("abort", () => this.#onCut());
    if (connection.signal.aborted) this.#onCut();
  }

  /** Resolves once the server is done or cut off. The client may still be reading then (`untilClientClosed`). */
  get serverEnd(): Promise<WebSocketEnd> {
    return this.#serverEnd.promise;
  }

  /** Bytes of binary data and characters of text that the server has sent. */
  get bytes(): number {
    return this.#bytes;
  }

  get clientLeft(): boolean {
    return this.#clientLeft;
  }

  /** Resolves if a side floods us: it goes on sending although it was told to stop and nothing of it is passed on. */
  get flooded(): Promise<void> {
    return this.#excess.tooMuch;
  }

  /**
   * To be called after `serverEnd`. Resolves once the client has read everything or its time for that is over. False:
   * its connection must be broken off, because no closing handshake has ended it.
   */
  async untilClientClosed(): Promise<boolean> {
    // A client that is too slow would get the Close frame only after all unsent messages.
    if (!this.#isClientTooSlow) await Promise.race([this.#untilClientDone(), this.flooded]);
    this.#clock.stop();
    for (const leg of [this.#client, this.#server]) leg.release();
    return this.#client.isOver;
  }

  async #untilClientDone(): Promise<void> {
    const client = this.#client;
    const isFlushed = await client.untilFlushed(CLOSE_ANSWER_MS);
    if (isFlushed && client.closeSent) await Promise.race([client.over, scheduler.wait(CLOSE_ANSWER_MS)]);
  }

  /** To be called when the client disconnects: the leg gets no event of that if it happens before the 101. */
  abandonClient(): void {
    this.#client.abandon();
    this.#endWithoutClient();
  }

  /** The client has disconnected without a Close frame, or is failed by us. `close`: what the server gets then. */
  #endWithoutClient(close: Close = { code: GOING_AWAY, reason: "the client is gone" }): void {
    this.#clientLeft = true;
    this.#isFailed = true;
    // The client can no longer answer it.
    if (this.#answerServer()) void this.#endAfterClose();
    else if (this.#onClientAbort === "cancel") {
      this.#connection.cut("client");
    } else {
      this.#server.close(close);
      void this.#cutAfterGrace("client", [this.#server]);
    }
  }

  /** To be called when an operator's drain ends it. The server has `CUT_ANSWER_MS` for its closing handshake. */
  closeBoth(): void {
    const close = { code: GOING_AWAY, reason: "an operator ended the connection" };
    // As in `#onCut`.
    if (!this.#client.closeReceived) this.#client.close(close);
    if (this.#answerServer()) void this.#endAfterClose();
    else this.#server.close(close);
    this.#cutAfter(CUT_ANSWER_MS, "cut");
  }

  #onServerMessage(message: Message): void {
    this.#bytes += sizeOf(message);
    this.#pass(message, this.#client);
  }

  #pass(message: Message, to: Leg): void {
    if (this.#isFailed) {
      this.#excess.add(sizeOf(message));
    } else {
      this.#idle?.reset();
      to.send(message);
    }
  }

  #onClientClose(close: Close): void {
    if (!mayBeSent(close.code)) {
      this.#client.close(invalid(close));
      this.#endWithoutClient({ code: PROTOCOL_ERROR, reason: "the client sent an invalid close code" });
      return;
    }
    this.#server.close(close);
    void (this.#server.closeReceived ? this.#endAfterClose() : this.#cutAfterGrace("client"));
  }

  #onServerClose(close: Close): void {
    if (!mayBeSent(close.code)) {
      this.#client.close({ code: PROTOCOL_ERROR, reason: "the server sent an invalid close code" });
      this.#server.close(invalid(close));
      this.#end("broken");
      return;
    }
    this.#client.close(close);
    void (this.#server.closeSent ? this.#endAfterClose() : this.#cutAfterGrace("client"));
  }

  /** The server's Close frame has arrived, and ours is queued: the server is done once it has read ours. */
  async #endAfterClose(): Promise<void> {
    if (await this.#server.untilFlushed(CLOSE_ANSWER_MS)) this.#end("done");
    else this.#connection.cut("client");
  }

  #onServerBreak(): void {
    // Many servers do not answer a Close frame but close their connection; that is not a failure.
    this.#end(this.#server.closeSent ? "done" : "broken");
  }

  #failSlowClient(): void {
    this.#excess.requestStop();
    this.#isClientTooSlow = true;
    this.#client.close({ code: POLICY_VIOLATION, reason: "messages were taken too slowly" });
    this.#endWithoutClient({ code: TRY_AGAIN_LATER, reason: "the client takes messages too slowly" });
  }

  #failSlowServer(): void {
    this.#excess.requestStop();
    this.#client.close({ code: TRY_AGAIN_LATER, reason: "the server takes messages too slowly" });
    this.#connection.cut("client");
  }

  #timeOut(): void {
    const close = { code: GOING_AWAY, reason: "nothing was said for too long" };
    this.#client.close(close);
    this.#server.close(close);
    void this.#cutAfterGrace("longest");
  }

  /**
   * Gives the closing handshake `CLOSE_ANSWER_MS`, then cuts the server's connection. The time begins once `readers`
   * have read everything before the Close frame, or have stopped reading.
   */
  async #cutAfterGrace(by: "client" | "longest", readers = [this.#client, this.#server]): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    await Promise.all(readers.map((leg) => leg.untilFlushed(CLOSE_ANSWER_MS)));
    this.#cutAfter(CLOSE_ANSWER_MS, by);
  }

  #cutAfter(ms: number, by: "client" | "longest" | "cut"): void {
    this.#clock.set(ms, () => {
      this.#answerServer();
      this.#connection.cut(by);
    });
  }

  /** Returns true if the server has sent a Close frame, which is answered now. */
  #answerServer(): boolean {
    const { closeReceived } = this.#server;
    if (closeReceived) this.#server.close(closeReceived);
    return closeReceived !== null;
  }

  #onCut(): void {
    // A Close frame of the client stays unanswered: an answer would claim that the server had received it.
    if (!this.#client.closeReceived) {
      this.#client.close({ code: GOING_AWAY, reason: "the connection was cut off" });
    }
    this.#end(this.#connection.cause ?? "client");
  }

  /** The server is done or cut off. Only the first call decides how. */
  #end(end: WebSocketEnd): void {
    this.#isFailed = true;
    this.#idle?.stop();
    this.#serverEnd.resolve(end);
  }
}

function invalid({ code }: Close): Close {
  return { code: PROTOCOL_ERROR, reason: `${code} may not be sent` };
}
