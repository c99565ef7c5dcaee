import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, reasonOf, said, send } from "./http.ts";

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
  readonly dropped = new Map<string, number>();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Resolves when every request has met its fate. */
  async run(perSecond: number, forMs: number): Promise<void> {
    const start = performance.now();
    const count = Math.round((perSecond * forMs) / 1000);
    const fates: Promise<void>[] = [];
    for (let index = 0; index < count; index++) {
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
    const failure = await send(this.#url + queryPath(number)).then(failureOf, reasonOf);
    if (failure === null) {
      this.answered++;
      this.longestMs = Math.max(this.longestMs, performance.now() - sentAt);
    } else this.dropped.set(failure, (this.dropped.get(failure) ?? 0) + 1);
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

/** `null`: it was answered, by a server and whole. */
function failureOf(answer: Answer): string | null {
  const isServers = answer.status === 200 && answer.headers["x-served-by"] !== undefined;
  return isServers && answer.body.toString() === "done\n" ? null : said(answer);
}
