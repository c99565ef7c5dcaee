import { createHash } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { open } from "../support/client.ts";
import { Connections, statuses } from "../support/connections.ts";
import { Sluice } from "../support/sluice.ts";
import { next } from "../support/web-socket-client.ts";

const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const SOCKETS = 50;
/** How long a server goes on working on a request whose connection was closed. */
const AFTERGLOW_MS = 500;

/**
 * A server that can do one thing at a time, WebSockets included, and counts whatever comes meanwhile. It goes on for a
 * while after it was cut off.
 */
class OneAtATime {
  overlaps = 0;
  /** Answers a Close frame; else it goes on as if there were none. */
  readonly #answersClose: boolean;
  readonly #server = http.createServer((request, response) => this.#serve(request, response));
  readonly #sockets = new Set<Duplex>();
  #isBusy = false;

  constructor(answersClose: boolean) {
    this.#answersClose = answersClose;
    this.#server.on("upgrade", (request, socket) => this.#upgrade(request, socket));
    this.#server.on("connection", (socket) => this.#sockets.add(socket));
    this.#server.keepAliveTimeout = 0;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  start(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, "127.0.0.1", () => resolve()));
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Returns what ends the work. */
  #begin(): () => void {
    if (this.#isBusy) this.overlaps++;
    this.#isBusy = true;
    return () => {
      this.#isBusy = false;
    };
  }

  #serve({ url = "" }: http.IncomingMessage, response: http.ServerResponse): void {
    const end = this.#begin();
    if (url.startsWith("/short")) {
      setTimeout(() => {
        end();
        response.end("done");
      }, 5);
      return;
    }
    response.once("close", () => setTimeout(end, AFTERGLOW_MS));
    if (url === "/download")
      response.writeHead(200, { "Content-Length": 1_000_000 }).write("x".repeat(1_000));
    if (url === "/drips") {
      const drip = setInterval(() => response.write("x"), 50);
      response.once("close", () => clearInterval(drip));
    }
  }

  #upgrade({ headers }: http.IncomingMessage, socket: Duplex): void {
    const end = this.#begin();
    const accept = createHash("sha1")
      .update(headers["sec-websocket-key"] + ACCEPT_SUFFIX)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    let hasClosed = false;
    socket.on("data", (bytes: Buffer) => {
      // A frame of nothing but a Close.
      if (!this.#answersClose || bytes[0] !== 0x88) return;
      hasClosed = true;
      end();
      socket.write(Buffer.from([0x88, 2, 0x03, 0xe9]));
    });
    socket.on("error", () => {});
    socket.once("end", () => socket.destroy());
    socket.once("close", () => {
      if (!hasClosed) setTimeout(end, AFTERGLOW_MS);
    });
  }
}

interface End {
  status: number | null;
  isWhole: boolean;
}

async function endOf(sluice: Sluice, path: string): Promise<End> {
  let status: number | null = null;
  try {
    const answer = await open(sluice.url, { path });
    status = answer.statusCode ?? null;
    for await (const _ of answer);
    return { status, isWhole: true };
  } catch {
    return { status, isWhole: false };
  }
}

async function openSocket({ url }: Sluice): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/socket`);
  await next(socket, "open");
  return socket;
}

test("a drain that waits no longer than it is told ends open WebSockets, streams and hung requests, so that each client sees it, and no server has two requests afterwards", async () => {
  const servers = Array.from({ length: SOCKETS + 3 }, (_, n) => new OneAtATime(n % 2 === 0));
  await Promise.all(servers.map((server) => server.start()));
  const list = servers.map(({ url }, n) => ({ name: `web-${n}`, url }));
  const keys = { balance: "roundrobin", quarantine: { max: "1s" } };
  const sluice = await Sluice.start({ bundle: "production", pools: { web: { servers: list, ...keys } } });
  onTestFinished(async () => {
    await sluice.stop();
    for (const server of servers) server.stop();
  });
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => openSocket(sluice)));
  const closes = Promise.all(sockets.map((socket) => next(socket, "close")));
  const requests = Promise.all(["/hung", "/download", "/drips"].map((path) => endOf(sluice, path)));
  await sluice.until("web", ({ inFlight }) => inFlight === servers.length);

  const answer = await sluice.drain("web", { cut: "2s", wait: "30s" });
  expect([answer.status, ((await answer.json()) as Snapshot).state]).toEqual([200, "drained"]);
  // As a deploy does that is over at once: servers that have not answered a Close are still at work.
  const clients = new Connections(sluice.url, 100);
  const answers = Promise.all(Array.from({ length: 500 }, (_, n) => clients.get(`/short/${n}`)));
  await sluice.resume("web");
  expect(statuses(await answers)).toEqual({ 200: 500 });
  clients.close();

  const ends = (await closes).map(({ code, reason, wasClean }) => [code, reason, wasClean]);
  expect(ends).toEqual(Array(SOCKETS).fill([1001, "an operator ended the connection", true]));
  expect(await requests).toEqual([
    { status: 504, isWhole: true },
    { status: 200, isWhole: false },
    { status: 200, isWhole: false },
  ]);

  // Every slot has come back, and was used since.
  await sluice.until("web", ({ inFlight }) => inFlight === 0);
  const more = await Promise.all(servers.map(() => endOf(sluice, "/short/again")));
  expect(more).toEqual(Array(servers.length).fill({ status: 200, isWhole: true }));
  expect(servers.map(({ overlaps }) => overlaps)).toEqual(Array(servers.length).fill(0));
  const cutOff = sluice.log.filter(({ outcome }) => outcome === "cut-off");
  expect(cutOff).toHaveLength(servers.length);
}, 60_000);
