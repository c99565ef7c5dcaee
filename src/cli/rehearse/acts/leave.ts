import type http from "node:http";
import { fineDuration } from "../../../words/times.ts";
import { begin } from "../http.ts";
import type { Rehearsal } from "../rehearsal.ts";
import { type Act, notRun, played } from "../report.ts";
import { POOL } from "../stage.ts";
import { until } from "../until.ts";

const PATIENCE_MS = 20_000;

/** How a client leaves: as one does that crashes, or as one that is ended or gives up. */
type Way = "reset" | "close";

const WORDS = { reset: "resetting", close: "closing" };
const NOT_SEEN_HERE =
  "the local runtime does not notice a client that merely closes; Cloudflare's edge tells of it";

/** Clients that leave the waiting list, before their headers. */
export async function playLeaveWaiting(rehearsal: Rehearsal, way: Way): Promise<Act> {
  const name = `leave-waiting-${way}`;
  const title = `clients that leave the waiting list by ${WORDS[way]} their connection`;
  if (way === "close" && rehearsal.stage.where === "local") return notRun(name, title, NOT_SEEN_HERE);
  const path = rehearsal.path(name);
  const broken: string[] = [];
  let noticedMs: number | null = null;
  const count = rehearsal.serverCount;
  await rehearsal.drained(async () => {
    const clients = Array.from({ length: count }, (_, n) => leaver(rehearsal, `${path}${n}?ms=10`));
    const waiting = await until(async () => (await queued(rehearsal)) === count, PATIENCE_MS);
    if (waiting === null) broken.push(`of ${count} only ${await queued(rehearsal)} got onto the list`);
    for (const client of clients) leave(client.request, way);
    noticedMs = await until(async () => (await queued(rehearsal)) === 0, PATIENCE_MS);
    if (noticedMs === null)
      broken.push(`${await queued(rehearsal)} still wait after ${fineDuration(PATIENCE_MS)}`);
  });
  await idle(rehearsal);
  const { servers, overlaps } = await rehearsal.servers();
  const worked = servers.works(path).length;
  if (worked > 0) broken.push(`${worked} got to a server after their client had left`);
  if (overlaps > 0) broken.push(`${overlaps} came to a server that was at work`);
  const summary =
    noticedMs === null
      ? `${count} left, and nobody noticed`
      : `${count} left, noticed within ${fineDuration(noticedMs)}, ${worked} got to a server`;
  return played(name, title, broken, summary, {
    left: count,
    worked,
    ...(noticedMs === null ? {} : { noticedMs: Math.round(noticedMs) }),
  });
}

/** Clients that leave while servers work for them: before the headers, or in the answer. */
export async function playLeaveAtWork(
  rehearsal: Rehearsal,
  when: "before the headers" | "after the headers",
  way: Way,
): Promise<Act> {
  const isLate = when === "after the headers";
  const name = `leave-${isLate ? "answer" : "server"}-${way}`;
  const title = `clients that leave ${when} by ${WORDS[way]} their connection, while servers work`;
  if (way === "close" && !isLate && rehearsal.stage.where === "local")
    return notRun(name, title, NOT_SEEN_HERE);
  const path = rehearsal.path(name);
  const count = rehearsal.serverCount;
  const clients = Array.from({ length: count }, (_, n) =>
    leaver(rehearsal, `${path}${n}?ms=1500${isLate ? "&stream" : ""}`),
  );
  const begun = async () => (await rehearsal.probe.servers()).works(path).length === count;
  const broken: string[] = [];
  if (isLate) await Promise.all(clients.map(({ response }) => firstBytes(response)));
  if ((await until(begun, PATIENCE_MS)) === null) broken.push("not all got to a server");
  for (const client of clients) leave(client.request, way);
  return judged(rehearsal, { name, title, path, broken, left: count });
}

/** One client that leaves a long answer: its Worker goes before its server is done. */
export async function playLongAnswer(rehearsal: Rehearsal): Promise<Act> {
  const { stage, plan, sizes, admin } = rehearsal;
  const name = "long-answer";
  const title = `a long answer whose client left, ${fineDuration(sizes.longAnswerMs)} of work`;
  if (stage.where === "local")
    return notRun(name, title, "the local runtime ends no Worker 30 s after its client left");
  if (plan.isQuick) return notRun(name, title, "--quick");
  const path = rehearsal.path(name);
  const { request, response } = leaver(rehearsal, `${path}0?ms=${sizes.longAnswerMs}&stream`);
  await firstBytes(response);
  leave(request, "close");
  const dropped = await others(rehearsal, `${path}others/at-once/`);
  const broken = dropped > 0 ? [`${dropped} of those that came at once were dropped`] : [];
  let isQuarantined = false;
  const watchedMs = await until(async () => {
    const [{ quarantined }, servers] = await Promise.all([admin.pool(POOL), rehearsal.probe.servers()]);
    isQuarantined = quarantined > 0;
    return isQuarantined || servers.works(path)[0]?.endedAt !== null;
  }, 2 * sizes.longAnswerMs);
  const act = await judged(rehearsal, { name, title, path, broken, left: 1 });
  if (!isQuarantined || watchedMs === null) return { ...act, summary: `${act.summary}; never in quarantine` };
  return {
    ...act,
    summary: `${act.summary}; in quarantine ${fineDuration(watchedMs)} after its client left`,
    figures: { ...act.figures, quarantinedMs: Math.round(watchedMs) },
  };
}

/** While that work goes on, others want the servers; each work must come to its end, and none may overlap. */
async function judged(
  rehearsal: Rehearsal,
  {
    name,
    title,
    path,
    broken,
    left,
  }: { name: string; title: string; path: string; broken: string[]; left: number },
): Promise<Act> {
  const dropped = await others(rehearsal, `${path}others/`);
  await idle(rehearsal);
  const { servers, overlaps } = await rehearsal.servers();
  const ended = servers
    .works(path)
    .filter(({ query, endedAt }) => !query.includes("/others/") && endedAt !== null);
  const cut = left - ended.length;
  const problems = [
    ...broken,
    ...(cut > 0 ? [`${cut} of the servers' works did not come to their end`] : []),
    ...(dropped > 0 ? [`${dropped} of those behind them were dropped`] : []),
    ...(overlaps > 0 ? [`${overlaps} came to a server that was at work`] : []),
  ];
  const behind = othersOf(rehearsal);
  const summary = `${left} left, ${ended.length} worked to the end, ${behind - dropped} of ${behind} behind them answered, ${overlaps} overlaps`;
  return played(name, title, problems, summary, { left, ended: ended.length, dropped, overlaps });
}

/** Two for each server. */
function othersOf({ serverCount }: Rehearsal): number {
  return 2 * serverCount;
}

/** Sends requests that want all servers. Resolves with the number of those that were dropped. */
async function others(rehearsal: Rehearsal, path: string): Promise<number> {
  const clients = Array.from({ length: othersOf(rehearsal) }, (_, n) =>
    leaver(rehearsal, `${path}${n}?ms=20`),
  );
  const answers = await Promise.all(clients.map(({ response }) => response.then(statusOf, () => 0)));
  return answers.filter((status) => status !== 200).length;
}

/** A request, whose failure is no news: its client leaves. */
function leaver(rehearsal: Rehearsal, path: string) {
  const call = begin(rehearsal.stage.url + path, { headers: rehearsal.headers });
  call.response.catch(() => {});
  return call;
}

function leave(request: http.ClientRequest, way: Way): void {
  request.on("error", () => {});
  if (way === "reset") request.socket?.resetAndDestroy();
  else request.destroy();
}

/** Resolves when the answer has begun. Its end, or that it was broken off, is no news. */
async function firstBytes(response: Promise<http.IncomingMessage>): Promise<void> {
  const message = await response;
  message.on("error", () => {});
  await new Promise((resolve) => message.once("data", resolve).once("close", resolve));
}

async function statusOf(message: http.IncomingMessage): Promise<number> {
  message.on("error", () => {});
  await message.toArray().catch(() => {});
  return message.statusCode ?? 0;
}

async function queued(rehearsal: Rehearsal): Promise<number> {
  return (await rehearsal.admin.pool(POOL)).queued;
}

/**
 * Until no slot is taken; a quarantine may be in the way. Servers that nobody asks are evicted meanwhile with their
 * reports: by workerd after 10 s, on Cloudflare after about a minute (2026-11).
 */
async function idle(rehearsal: Rehearsal): Promise<void> {
  await until(async () => {
    const [{ inFlight, queued }] = await Promise.all([rehearsal.admin.pool(POOL), rehearsal.probe.servers()]);
    return inFlight === 0 && queued === 0;
  }, 10 * PATIENCE_MS);
}
