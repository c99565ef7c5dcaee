import type { IncomingMessage } from "node:http";
import type { Doing } from "./clients.ts";
import { begin, headersOf, type Reply } from "./exchange.ts";
import type { Client } from "./plan.ts";

/** Between two pauses of a slow reader. */
const PIECE_BYTES = 500_000;

export async function readSlowly(
  { call }: Doing,
  { pauses, pauseMs }: Client<"slow reader">,
): Promise<Reply> {
  const { request, reply } = begin(call, headersOf(call.plan), (answer) => {
    pause(answer, { everyBytes: PIECE_BYTES, times: pauses, forMs: pauseMs });
  });
  request.end();
  return reply;
}

export async function stallReading(
  { call, sent, journal }: Doing,
  plan: Client<"stalled reader">,
): Promise<Reply> {
  const { request, reply } = begin(call, headersOf(call.plan), (answer) => {
    sent.stalledAt = journal.now();
    pause(answer, { everyBytes: 1, times: 1, forMs: plan.pauseMs });
  });
  request.end();
  return reply;
}

function pause(
  answer: IncomingMessage,
  { everyBytes, times, forMs }: { everyBytes: number; times: number; forMs: number },
): void {
  let [bytes, left] = [0, times];
  answer.on("data", (chunk: string) => {
    bytes += chunk.length;
    if (left === 0 || bytes < everyBytes) return;
    [bytes, left] = [0, left - 1];
    answer.pause();
    setTimeout(() => answer.resume(), forMs);
  });
}
