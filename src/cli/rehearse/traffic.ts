import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, type Call, reasonOf, said, send } from "./http.ts";
import { Tally } from "./tally.ts";

export interface TrafficOptions {
  headers?: NonNullable<Call["headers"]>;
  /** Path and query of a request, by its number. */
  pathOf?: (number: number) => string;
  /** Why this is no answer of a server; `null`: it is one, and whole. */
  failureOf?: (answer: Answer, number: number) => string | null;
}

/**
 * Requests that come at their own pace, as those of many independent clients do: none waits for the answer to
 * another one, and each has a connection of its own.
 */
export class Traffic {
  sent = 0;
  /** When each request was sent, by its number. */
  readonly sentAt: number[] = [];
  answered = 0;
  /** From sending a request to the last byte of its answer. */
  longestMs = 0;
  /** How many requests were not answered by a server, by the reason. */
  readonly dropped = new Tally();
  readonly #url: string;
  readonly #options: Required<TrafficOptions>;

  constructor(url: string, options: TrafficOptions = {}) {
    this.#url = url;
    this.#options = { headers: {}, pathOf: queryPath, failureOf, ...options };
  }

  /** Resolves when every request has met its fate. No more is sent from `over` on. */
  async run(perSecond: number, forMs: number, over?: AbortSignal): Promise<void> {
    const start = performance.now();
    const count = Math.round((perSecond * forMs) / 1000);
    const fates: Promise<void>[] = [];
    for (let index = 0; index < count && !over?.aborted; index++) {
      const untilDue = start + (index * 1000) / perSecond - performance.now();
      if (untilDue > 0) await sleep(untilDue);
      fates.push(this.#send(index));
    }
    await Promise.all(fates);
  }

  async #send(number: number): Promise<void> {
    this.sent++;
    const sentAt = performance.now();
    this.sentAt[number] = sentAt;
    const { headers, pathOf, failureOf } = this.#options;
    const failure = await send(this.#url + pathOf(number), { headers }).then(
      (answer) => failureOf(answer, number),
      reasonOf,
    );
    if (failure === null) {
      this.answered++;
      this.longestMs = Math.max(this.longestMs, performance.now() - sentAt);
    } else this.dropped.add(failure);
  }
}

const PATH = "/query/";

export function queryPath(number: number): string {
  return PATH + number;
}

/** `null`: not a request of this traffic. */
export function queryNumber(path: string): number | null {
  return path.startsWith(PATH) ? Number(path.slice(PATH.length)) : null;
}

function failureOf(answer: Answer): string | null {
  const isServers = answer.status === 200 && answer.headers["x-served-by"] !== undefined;
  return isServers && answer.body.toString() === "done\n" ? null : said(answer);
}
