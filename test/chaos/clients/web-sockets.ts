import type http from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Journal, Sent } from "../journal.ts";
import { reset } from "../servers/listener.ts";
import { closeCodeOf, GOING_AWAY } from "../servers/web-sockets.ts";
import { WebSocketEnd } from "../web-socket-end.ts";
import type { Doing } from "./clients.ts";
import { begin, type Call, headersOf, noReply, type Reply } from "./exchange.ts";
import type { Client, HandshakeFault } from "./plan.ts";

/** Longer than any WebSocket here lives. */
const LONGEST_SESSION_MS = 12_000;

const HANDSHAKE: http.OutgoingHttpHeaders = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

const FAULTS: Record<HandshakeFault, (headers: http.OutgoingHttpHeaders) => void> = {
  "no key": (headers) => delete headers["Sec-WebSocket-Key"],
  "a short key": (headers) => {
    headers["Sec-WebSocket-Key"] = "c2hvcnQ=";
  },
  "no version": (headers) => delete headers["Sec-WebSocket-Version"],
  "version 12": (headers) => {
    headers["Sec-WebSocket-Version"] = "12";
  },
  // Its method is in the plan.
  POST: () => {},
};

/** Says something, hears it back, and closes or is closed. */
export async function converse({ call }: Doing, plan: Client<"WebSocket">): Promise<Reply> {
  return session(call, async (end) => {
    let heard = "";
    for (const text of messagesOf(call.plan.id, plan)) {
      end.send(text);
      const frame = await end.next();
      if (frame?.kind === "close" && frame.code === GOING_AWAY) return leave(end, heard);
      if (frame?.kind !== "text") return socketReply(heard, false);
      heard += `${frame.text}\n`;
    }
    if (plan.closes === "client") end.close(closeCodeOf(plan));
    const frame = await end.next();
    if (frame?.kind !== "close") return socketReply(heard, false);
    if (frame.code === GOING_AWAY) return leave(end, heard);
    if (plan.closes === "server") {
      await sleep(plan.answerMs);
      end.close(frame.code);
    }
    return socketReply(`${heard}${frame.code}`, true);
  });
}

/** The other side closes before anybody here wanted to. */
function leave(end: WebSocketEnd, heard: string): Reply {
  end.close(GOING_AWAY);
  return socketReply(`${heard}${GOING_AWAY}`, true);
}

/** What a WebSocket's client says, one after the other. */
export function messagesOf(id: string, { messages }: Client<"WebSocket">): string[] {
  return Array.from({ length: messages }, (_, number) => `${id} ${number}`);
}

/** Waits to be closed. */
export async function keepSilent({ call, sent, journal }: Doing): Promise<Reply> {
  return session(call, async (end) => {
    sent.stalledAt = journal.now();
    const frame = await end.next();
    if (frame?.kind === "close") end.close(frame.code === 1005 ? 1000 : frame.code);
    return socketReply(frame?.kind === "close" ? String(frame.code) : "", frame?.kind === "close");
  });
}

export async function greetBadly({ call }: Doing, { fault }: Client<"bad handshake">): Promise<Reply> {
  const headers = { ...headersOf(call.plan), ...HANDSHAKE };
  FAULTS[fault](headers);
  const { request, reply, upgraded } = begin(call, headers);
  request.end();
  return Promise.race([reply, upgraded.then(({ socket }) => droppedReply(socket))]);
}

export async function resetBeforeAccepted(
  { call, sent, journal }: Doing,
  { afterMs }: Client<"reset handshake">,
): Promise<Reply> {
  const { request, reply, upgraded } = handshake(call);
  const resets = untilAtServer(sent, journal)
    .then(() => sleep(afterMs))
    .then(() => droppedReply(request.socket));
  return Promise.race([reply, upgraded.then(({ socket }) => droppedReply(socket)), resets]);
}

/** The WebSocket's reply, or that of a server or of Sluice which does not want it. */
async function session(call: Call, talk: (end: WebSocketEnd) => Promise<Reply>): Promise<Reply> {
  const { reply, upgraded } = handshake(call);
  const first = await Promise.race([reply, upgraded]);
  if (!("socket" in first)) return first;
  const { socket, head } = first;
  const timer = setTimeout(() => socket.destroy(), LONGEST_SESSION_MS);
  socket.once("close", () => clearTimeout(timer));
  const end = new WebSocketEnd(socket, head, true);
  const last = await talk(end);
  end.hangUp();
  return last;
}

function handshake(call: Call) {
  const exchange = begin(call, { ...headersOf(call.plan), ...HANDSHAKE });
  exchange.request.end();
  return exchange;
}

async function untilAtServer(sent: Sent, journal: Journal): Promise<void> {
  while (
    sent.endedAt === null &&
    sent.jobs.length === 0 &&
    journal.now() < sent.sentAt + LONGEST_SESSION_MS
  ) {
    await sleep(5);
  }
}

/** `whole`: it was closed, and not only broken off. */
function socketReply(body: string, whole: boolean): Reply {
  return { status: 101, headers: {}, body, whole };
}

function droppedReply(socket: Socket | null): Reply {
  if (socket) reset(socket);
  return noReply("reset by the client itself");
}
