import { once } from "node:events";
import type http from "node:http";
import type { Socket } from "node:net";
import { setImmediate as ioHandled, setTimeout as sleep } from "node:timers/promises";
import { bodyOf } from "../plans.ts";
import type { Doing } from "./clients.ts";
import { begin, type Exchange, type Reply } from "./exchange.ts";
import type { Client } from "./plan.ts";

const NO_CHUNK = "ZZ\r\nnonsense\r\n";

export async function uploadSlowly(
  { call }: Doing,
  { pauses, pauseMs }: Client<"slow upload">,
): Promise<Reply> {
  const { request, reply } = begin(call);
  const body = bodyOf(call.plan);
  const size = Math.ceil(body.length / (pauses + 1));
  for (let at = 0; at < body.length; at += size) {
    if (at > 0) await sleep(pauseMs);
    // A refusal may have come, and the connection been closed. Whoever writes before reading gets EPIPE, and not what
    // has come: a client is to look first (RFC 9112, 9.5).
    await ioHandled();
    request.write(body.slice(at, at + size));
  }
  request.end();
  return reply;
}

export async function breakUpload({ call }: Doing, plan: Client<"broken upload">): Promise<Reply> {
  const exchange = begin(call);
  const socket = await connected(exchange.request);
  exchange.request.write(someOf(bodyOf(call.plan), plan.part));
  await sleep(plan.pauseMs);
  if (plan.ending === "garbage") socket.write(NO_CHUNK);
  else if (plan.ending === "end") socket.end();
  else socket.resetAndDestroy();
  return lastReply(exchange);
}

export async function stallUpload(
  { call, sent, journal }: Doing,
  plan: Client<"stalled upload">,
): Promise<Reply> {
  const exchange = begin(call);
  exchange.request.write(someOf(bodyOf(call.plan), plan.part));
  sent.stalledAt = journal.now();
  return lastReply(exchange);
}

/** Of a request that never ends by itself. */
async function lastReply({ request, reply }: Exchange): Promise<Reply> {
  try {
    return await reply;
  } finally {
    request.destroy();
  }
}

async function connected(request: http.ClientRequest): Promise<Socket> {
  const socket = request.socket ?? ((await once(request, "socket"))[0] as Socket);
  if (socket.connecting) await once(socket, "connect");
  return socket;
}

function someOf(body: string, part: number): string {
  return body.slice(0, Math.floor(part * body.length));
}
