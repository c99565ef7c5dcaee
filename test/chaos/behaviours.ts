import type { IncomingMessage } from "node:http";
import type { Job, Journal } from "./journal.ts";
import { type Behaviour, bodyOf, filler } from "./plans.ts";
import { LONGEST_AFTER_BREAK_MS, LONGEST_AFTER_CUT_MS } from "./pool.ts";
import type { ChaosServer } from "./server.ts";
import type { Work } from "./work.ts";

interface Act {
  work: Work;
  job: Job;
  server: ChaosServer;
  journal: Journal;
}

/** Does what the plan says. Rejects when the server is killed meanwhile. */
export async function perform(work: Work, server: ChaosServer, journal: Journal): Promise<void> {
  const { job } = work;
  if (!job) return check(work, server);
  const body = await work.orKilled(textOf(work.request));
  if (body !== bodyOf(job.sent.plan) || work.request.headers["x-request-id"] !== job.sent.plan.id) {
    journal.break("lost", `${server.name} got ${job.sent.plan.id} garbled`, [job.sent]);
  }
  const act = { work, job, server, journal };
  await behaviours[server.outages.over ? "answer" : job.plan.behaviour](act);
}

async function check(work: Work, server: ChaosServer): Promise<void> {
  const { late, workMs, afterglowMs } = server.nextCheck();
  if (late) server.outages.late(work, workMs);
  await work.busy(workMs);
  server.workload.end(work, afterglowMs);
  work.response.end("well\n");
}

/** What the server says if it is not kept from it; its first line names the job. */
export function answerTo(job: Job): string {
  const { number, server, sent } = job;
  const line = `${JSON.stringify({ job: number, server, request: sent.plan.id })}\n`;
  return line + filler(sent.plan.id, job.plan.answerBytes);
}

const behaviours: Record<Behaviour, (act: Act) => Promise<void>> = {
  answer: (act) => answer(act, act.job.sent.plan.workMs ?? act.job.plan.workMs),
  "slow answer": (act) => {
    act.journal.fault("slow answer", act.server.name);
    return answer(act, 300 + act.job.plan.after * 500);
  },
  "reset after reading": async (act) => {
    await workUntilFault(act);
    await breakOff(act, "reset after reading");
  },
  "broke in the body": async (act) => {
    await workUntilFault(act);
    sendHalf(act);
    // Else the head would be lost too.
    await act.work.busy(20);
    await breakOff(act, "broke in the body");
  },
  hang: (act) => hang(act, "hang"),
  "hung in the body": async (act) => {
    await workUntilFault(act);
    sendHalf(act);
    await hang(act, "hung in the body");
  },
  restart: async (act) => {
    await workUntilFault(act);
    act.server.outages.crash(50 + act.job.plan.after * 500);
  },
};

async function workUntilFault({ work, job }: Act): Promise<void> {
  await work.busy(job.plan.before * job.plan.workMs);
}

async function answer(act: Act, workMs: number): Promise<void> {
  const { work, job } = act;
  await work.busy(job.plan.before * workMs);
  if (job.plan.chunked) sendHalf(act);
  await work.busy((1 - job.plan.before) * workMs);
  sendRest(act);
}

/** Works on for a while after the connection has gone, as servers do that find out too late. */
async function breakOff({ work, job, server }: Act, kind: string): Promise<void> {
  server.outages.breakOff(work, kind);
  await work.busy(job.plan.after * LONGEST_AFTER_BREAK_MS);
}

async function hang(act: Act, kind: string): Promise<void> {
  const { work, job, server, journal } = act;
  if (!server.outages.mayHang) return sendRest(act);
  journal.fault(kind, server.name);
  job.hungAt = journal.now();
  work.stray = true;
  await work.untilCut();
  await work.busy(job.plan.after * LONGEST_AFTER_CUT_MS);
}

function sendHalf(act: Act): void {
  const text = answerTo(act.job);
  sendHead(act, text);
  act.work.response.write(text.slice(0, text.length / 2));
}

/** The work is done before the last byte is out, or the next request could come too early for us. */
function sendRest(act: Act): void {
  const text = answerTo(act.job);
  const begun = act.job.headAt !== null;
  if (!begun) sendHead(act, text);
  act.server.workload.end(act.work, act.job.plan.afterglowMs);
  act.work.response.end(begun ? text.slice(text.length / 2) : text);
}

function sendHead({ work, job, journal }: Act, text: string): void {
  job.headAt = journal.now();
  const length = job.plan.chunked ? {} : { "Content-Length": text.length };
  work.response.writeHead(200, { "Content-Type": "text/plain", "X-Job": job.number, ...length });
}

/** Rejects if it does not come whole. */
async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  request.setEncoding("latin1");
  for await (const chunk of request) text += chunk;
  return text;
}
