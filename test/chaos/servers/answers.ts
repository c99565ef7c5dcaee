import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Job, Journal } from "../journal.ts";
import { filler } from "../plans.ts";
import type { ChaosServer } from "./server.ts";
import type { Work } from "./work.ts";

/** A request at a server that answers it. */
export interface Act {
  work: Work;
  job: Job;
  response: ServerResponse;
  server: ChaosServer;
  journal: Journal;
}

const PIECE_BYTES = 64_000;

/** What the server says if it is not kept from it; its first line names the job. */
export function answerTo(job: Job): string {
  return firstLine(job) + filler(job.sent.plan.id, job.plan.answerBytes);
}

export function sickAnswerTo(job: Job): string {
  return `${firstLine(job)}out of order\n`;
}

export function sendHalf(act: Act, chunked = act.job.plan.chunked): void {
  const text = answerTo(act.job);
  sendHead(act, text.length, chunked);
  act.response.write(text.slice(0, text.length / 2));
}

/** The work is done before the last byte is out, or the next request could come too early for us. */
export function sendRest(act: Act): void {
  const text = answerTo(act.job);
  const begun = act.job.headAt !== null;
  if (!begun) sendHead(act, text.length);
  finish(act, begun ? text.slice(text.length / 2) : text);
}

/** All that the client waits for, and the server is not there yet. */
export function sendEarly(act: Act): void {
  const text = answerTo(act.job);
  sendHead(act, text.length, false);
  act.response.write(text);
}

export function endEarly(act: Act): void {
  finish(act, "");
}

/** Sends a long answer as fast as it is taken. `false`: the connection has gone before the end. */
export async function sendByPieces(act: Act): Promise<boolean> {
  const { work, job, response } = act;
  const [bytes, piece] = [job.plan.answerBytes, pieceFor(job)];
  const first = firstLine(job);
  sendHead(act, first.length + bytes);
  response.write(first);
  let left = bytes;
  for (; left > piece.length && !work.isClosed; left -= piece.length) {
    if (response.write(piece)) continue;
    await work.orKilled(Promise.race([once(response, "drain"), work.closed]));
    if (!work.isClosed) job.takenAt = act.journal.now();
  }
  if (!work.isClosed) finish(act, piece.slice(0, left));
  return !work.isClosed;
}

/** However many of them follow each other, they are `filler`. */
function pieceFor({ sent }: Job): string {
  const unit = filler(sent.plan.id, sent.plan.id.length + 1);
  return unit.repeat(Math.ceil(PIECE_BYTES / unit.length));
}

/** Says something else than what was asked for, all at once. */
export function sendInstead(act: Act, status: number, headers: Record<string, string>, text: string): void {
  act.job.headAt = act.journal.now();
  act.response.writeHead(status, { "Content-Type": "text/plain", "X-Job": act.job.number, ...headers });
  act.response.end(text);
}

function finish(act: Act, text: string): void {
  act.server.workload.end(act.work, act.job.plan.afterglowMs);
  act.response.end(text);
}

function firstLine({ number, server, sent }: Job): string {
  return `${JSON.stringify({ job: number, server, request: sent.plan.id })}\n`;
}

function sendHead({ job, response, journal }: Act, bytes: number, chunked = job.plan.chunked): void {
  job.headAt = journal.now();
  const length = chunked ? {} : { "Content-Length": bytes };
  response.writeHead(200, { "Content-Type": "text/plain", "X-Job": job.number, ...length });
}
