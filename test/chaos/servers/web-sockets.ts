import type { Socket } from "node:net";
import type { Client } from "../clients/plan.ts";
import type { Job, Journal } from "../journal.ts";
import { acceptFor, WebSocketEnd } from "../web-socket-end.ts";
import { sickAnswerTo } from "./answers.ts";
import type { ChaosServer } from "./server.ts";
import type { Work } from "./work.ts";

/** How long a server takes to accept whom its client leaves alone with it, in ms. */
const SLOW_ACCEPT_MS = 500;
/** How much of its work for one message is done for each: the rest is for the close. */
const SHARE_OF_WORK = 0.3;

/** The code by which Sluice closes a WebSocket that is cut off. */
export const GOING_AWAY = 1001;

interface Upgrade {
  work: Work;
  socket: Socket;
  head: Buffer;
  /** The closing handshake is over: whoever closes the connection now cuts nothing off. */
  over: () => void;
}

interface Session extends Upgrade {
  job: Job;
  end: WebSocketEnd;
  server: ChaosServer;
}

/**
 * A server that can do one thing at a time is busy with a WebSocket until that has closed: until both sides have sent
 * their close, whoever began.
 */
export async function upgrade(upgrade: Upgrade, server: ChaosServer, journal: Journal): Promise<void> {
  const { work, socket, head } = upgrade;
  const { job } = work;
  // The client's end of the connection, which the server does not keep open on its own.
  socket.on("end", () => socket.end());
  if (!job) return void socket.destroy();
  if (server.outages.sickStatus !== null) return beSick(upgrade, job, server, journal);
  job.wholeAt = journal.now();
  const isLeft = job.sent.plan.client.kind === "reset handshake";
  await work.busy(isLeft ? SLOW_ACCEPT_MS : job.plan.before * job.plan.workMs);
  const key = work.request.headers["sec-websocket-key"];
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n\r\n`,
  );
  job.headAt = journal.now();
  const end = new WebSocketEnd(socket, head, false);
  if (await serve({ ...upgrade, job, end, server })) return;
  await work.goOnAfterCut();
}

/** `false`: the connection has gone before it was closed. */
async function serve(session: Session): Promise<boolean> {
  const { work, job, end } = session;
  const { client } = job.sent.plan;
  const isOurs = client.kind === "WebSocket" && client.closes === "server";
  const messages = client.kind === "WebSocket" ? client.messages : Number.POSITIVE_INFINITY;
  for (let count = 1; ; count++) {
    const frame = await work.orKilled(end.next());
    if (!frame) return false;
    if (frame.kind === "close") return answerClose(session, frame.code);
    await work.busy(SHARE_OF_WORK * job.plan.workMs);
    end.send(echoOf(job, frame.text));
    if (isOurs && count === messages) return closeFirst(session, client);
  }
}

async function answerClose(session: Session, code: number): Promise<boolean> {
  await session.work.busy(SHARE_OF_WORK * session.job.plan.workMs);
  finish(session);
  session.end.close(code === 1005 ? 1000 : code);
  session.end.hangUp();
  return true;
}

/** Closes, and is busy until the client has closed as well. */
async function closeFirst(session: Session, client: Client<"WebSocket">): Promise<boolean> {
  session.end.close(closeCodeOf(client));
  for (;;) {
    const frame = await session.work.orKilled(session.end.next());
    if (!frame) return false;
    if (frame.kind !== "close") continue;
    // It was the other side's last word, of which this process may have learnt late.
    finish(session, session.server.lateMs);
    session.end.hangUp();
    return true;
  }
}

function finish({ work, job, server, over }: Session, lateMs = 0): void {
  over();
  server.workload.end(work, Math.max(0, job.plan.afterglowMs - lateMs));
}

/** It names the job, so that the client knows whose answer it is. */
export function echoOf({ number }: { number: number }, text: string): string {
  return `${number} ${text}`;
}

/** A code of the application's own: nobody else comes by it. */
export function closeCodeOf({ messages }: Client<"WebSocket">): number {
  return 4_000 + messages;
}

async function beSick({ work, socket, over }: Upgrade, job: Job, server: ChaosServer, journal: Journal) {
  job.sick = true;
  await work.busy(2);
  job.headAt = journal.now();
  over();
  server.workload.end(work, job.plan.afterglowMs);
  const text = sickAnswerTo(job);
  const lines = [
    `HTTP/1.1 ${server.outages.sickStatus ?? 503} Out of order`,
    "Connection: close",
    `X-Job: ${job.number}`,
    `Content-Length: ${text.length}`,
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${text}`);
}
