import { fineDuration } from "../../../words/times.ts";
import type { ServerAnswer } from "../deferred.ts";
import { digestOf } from "../deferred.ts";
import { type Answer, said } from "../http.ts";
import { overtaken } from "../order.ts";
import type { Rehearsal } from "../rehearsal.ts";
import type { ServerWork } from "../servers.ts";
import { CAME_HEADER, ISOLATE_HEADER } from "../stage.ts";
import { reasonsIn } from "../tally.ts";
import { Traffic } from "../traffic.ts";

export interface Load {
  broken: string[];
  summary: string;
  figures: Record<string, number>;
  works: ServerWork[];
  /** When each request came to the Worker, by the servers' clock and the request's path and query. */
  cameAt: ReadonlyMap<string, number>;
  /** Which of the pool's objects has which server. */
  shardOf: ReadonlyMap<string, number>;
  /** How many requests came to each server while it was at work. */
  overlapsAt: ReadonlyMap<string, number>;
  /** How many isolates of the Worker have answered. */
  isolates: number;
}

/** More requests than the servers can take, while `meanwhile` goes on; judged by what their clients and the servers say. */
export async function underLoad(
  rehearsal: Rehearsal,
  act: string,
  forMs: number,
  meanwhile: (over: () => void) => Promise<void>,
): Promise<Load> {
  const { stage, sizes, headers } = rehearsal;
  const path = rehearsal.path(act);
  const got = new Map<string, ServerAnswer>();
  const isolates = new Set<string>();
  const cameAt = new Map<string, number>();
  const pathOf = (number: number) => `${path}${number}?ms=${sizes.serviceMs}`;
  const failureOf = (answer: Answer, number: number) => {
    const servedBy = answer.headers["x-served-by"];
    const isolate = answer.headers[ISOLATE_HEADER];
    if (typeof isolate === "string") isolates.add(isolate);
    const came = answer.headers[CAME_HEADER];
    if (typeof came === "string") cameAt.set(pathOf(number), Number(came));
    if (answer.status !== 200 || typeof servedBy !== "string") return said(answer);
    got.set(pathOf(number), { query: pathOf(number), servedBy, digest: digestOf(answer.body) });
    return null;
  };
  const traffic = new Traffic(stage.url, { headers, pathOf, failureOf });
  const over = new AbortController();
  const finished = traffic.run(sizes.perSecond, forMs, over.signal);
  try {
    await meanwhile(() => over.abort());
  } catch (error) {
    over.abort();
    // The next act is to begin with an empty list.
    await finished;
    throw error;
  }
  await finished;
  const { servers, overlaps, overlapsAt } = await rehearsal.servers();
  const shardOf = await rehearsal.shardOf();
  const works = servers.works(path);
  const said200 = servers.answers(path);
  const wrong = [...got].filter(([query, answer]) => !isSame(answer, said200.get(query))).length;
  const sentAt = (query: string) => traffic.sentAt[Number(query.slice(path.length).split("?")[0])] ?? 0;
  const late = overtaken(works.map(({ query }, number) => ({ number, sentAt: sentAt(query) })));
  // Which of several objects a request has waited at, and whether it was sent on, nothing tells: only one keeps the order of all.
  const isJudged = rehearsal.shardCount === 1;
  const repeated = works.length - new Set(works.map(({ query }) => query)).size;
  const { sent, answered, longestMs } = traffic;
  const dropped = sent - answered;
  return {
    broken: [
      ...(dropped > 0 ? [`${dropped} dropped: ${reasonsIn(traffic.dropped)}`] : []),
      ...(overlaps > 0 ? [`${overlaps} came to a server that was at work`] : []),
      ...(wrong > 0 ? [`${wrong} got another answer than their servers say they sent`] : []),
      ...(isJudged && late > 0 ? [`${late} overtaken by one sent 0.5 s or more later`] : []),
    ],
    summary: `${sent} sent, ${answered} answered, ${dropped} dropped, ${overlaps} rejected by a server, ${late || "none"} overtaken, longest wait ${fineDuration(longestMs)}`,
    figures: {
      sent,
      answered,
      dropped,
      rejected: overlaps,
      wrong,
      overtaken: late,
      repeated,
      longestMs: Math.round(longestMs),
    },
    works,
    cameAt,
    shardOf,
    overlapsAt,
    isolates: isolates.size,
  };
}

function isSame(answer: ServerAnswer, server: ServerAnswer | undefined): boolean {
  return answer.servedBy === server?.servedBy && answer.digest === server.digest;
}
