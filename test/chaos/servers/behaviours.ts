import type { ServerResponse } from "node:http";
import type { Journal } from "../journal.ts";
import type { Behaviour } from "../plans.ts";
import { BUSY_ANSWERS, LEAST_REST_MS } from "../pool.ts";
import {
  type Act,
  endEarly,
  sendByPieces,
  sendEarly,
  sendHalf,
  sendInstead,
  sendRest,
  sickAnswerTo,
} from "./answers.ts";
import { judgeBody, textOf } from "./bodies.ts";
import { brokenByCloudflare, givenUpByCloudflare } from "./cloudflare.ts";
import { reset } from "./listener.ts";
import type { ChaosServer } from "./server.ts";
import type { Work } from "./work.ts";

/** Does what the plan says. Rejects when the server is killed meanwhile. */
export async function perform(
  work: Work,
  response: ServerResponse,
  server: ChaosServer,
  journal: Journal,
): Promise<void> {
  const { job } = work;
  if (!job) return check(work, response, server, journal);
  const act = { work, job, response, server, journal };
  if (job.plan.early) answerEarly(act);
  const body = await work.orKilled(
    textOf(work.request, () => {
      job.takenAt = journal.now();
    }),
  );
  if (body === null) return work.goOnAfterCut();
  job.wholeAt = journal.now();
  judgeBody(job, body, work.request.headers["x-request-id"], journal);
  if (job.headAt !== null) return endEarly(act);
  const { sickStatus } = server.outages;
  if (sickStatus !== null) return beSick(act, sickStatus);
  if (job.sent.plan.answerBytes !== null) return answerLong(act);
  await behaviours[server.outages.over ? "answer" : job.plan.behaviour](act);
}

async function check(
  work: Work,
  response: ServerResponse,
  server: ChaosServer,
  journal: Journal,
): Promise<void> {
  const { late, workMs, afterglowMs } = server.nextCheck();
  const arrivedAt = journal.now();
  if (late) server.outages.late(work, workMs);
  await work.busy(workMs);
  server.workload.end(work, afterglowMs);
  const { sickStatus } = server.outages;
  if (sickStatus === null) server.sickness.checkPassed();
  else if (!late) server.sickness.checkFailed(arrivedAt);
  // Which of its answers are wrong depends on its illness; that it is not well, it always says.
  if (sickStatus === null) response.end("well\n");
  else response.writeHead(503).end("out of order\n");
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
  drips: (act) => drip(act),
  restart: async (act) => {
    await workUntilFault(act);
    act.server.outages.crash(50 + act.job.plan.after * 500);
  },
  "Cloudflare's 520": async (act) => {
    await workUntilFault(act);
    await brokenByCloudflare(act, 520);
  },
  "Cloudflare's 522": (act) => brokenByCloudflare(act, 522),
  "Cloudflare's 524": givenUpByCloudflare,
  "busy answer": (act) => turnAway(act),
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

function answerEarly(act: Act): void {
  if (act.server.outages.sickStatus !== null) return;
  act.journal.fault("early answer", act.server.name);
  sendEarly(act);
}

async function answerLong(act: Act): Promise<void> {
  if (!(await sendByPieces(act))) await act.work.goOnAfterCut();
}

/** Works on for a while after the connection has gone, as servers do that find out too late. */
async function breakOff({ work, job, server }: Act, kind: string): Promise<void> {
  const { socket } = work.request;
  server.outages.breakOff(work, kind, () => (job.plan.reset ? reset(socket) : socket.destroy()));
  await work.goOnAfterBreak();
}

async function hang(act: Act, kind: string): Promise<void> {
  const { work, job, server, journal } = act;
  if (!server.outages.mayHang) return sendRest(act);
  journal.fault(kind, server.name);
  job.hungAt = journal.now();
  work.stray = true;
  await work.untilCut();
  await work.goOnAfterCut();
}

/** Sends so little that it would never end by itself, and so often that it is never silent. */
async function drip(act: Act): Promise<void> {
  const { work, job, response, server, journal } = act;
  if (!server.outages.mayHang) return sendRest(act);
  journal.fault("drips", server.name);
  sendHalf(act, true);
  job.hungAt = journal.now();
  work.stray = true;
  while (!work.isClosed) {
    response.write(".");
    await work.busy(DRIP_MS);
  }
  await work.goOnAfterCut();
}

/** Fails fast, as a server does that has lost its database. */
async function beSick(act: Act, status: number): Promise<void> {
  act.job.sick = true;
  await act.work.busy(2);
  act.server.workload.end(act.work, act.job.plan.afterglowMs);
  sendInstead(act, status, {}, sickAnswerTo(act.job));
}

/** Is busy for somebody else, who came some other way; the slot is not to be used for a while. */
async function turnAway(act: Act): Promise<void> {
  const { job, server, journal } = act;
  const { status, retryAfterS } = job.plan.busyAnswer;
  journal.fault("busy answer", server.name);
  job.turnedAwayAt = journal.now();
  server.workload.end(act.work);
  server.workload.rest(REST_KEPT * (retryAfterS === null ? LEAST_REST_MS : retryAfterS * 1_000));
  const text = BUSY_ANSWERS.find((one) => one.status === status)?.body ?? "";
  sendInstead(act, status, retryAfterS === null ? {} : { "Retry-After": String(retryAfterS) }, text);
}

const DRIP_MS = 100;

/** Timers of two processes are not the same. */
const REST_KEPT = 0.8;
