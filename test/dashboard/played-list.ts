import type { Page, Route } from "playwright-core";
import type { DeferredRequest } from "../../src/dashboard/page/api.ts";
import { aDeferredRequest } from "./snapshots.ts";

/** The routes of a pool's deferred requests, played to one page, so that a test says what is listed and answered. */
export class PlayedList {
  requests: DeferredRequest[] = [];
  /** What was called, in turn: `GET ?limit=50&state=failed`, `DELETE /secret-1`. */
  readonly calls: string[] = [];
  /** Answers the calls with this status instead, and with a refusal of this code, if it is one. */
  answer: { status: number; code?: string; title?: string } | null = null;

  static async on(page: Page): Promise<PlayedList> {
    const list = new PlayedList();
    await page.route(/\/api\/pools\/[^/]+\/deferred\b/, (route) => list.#answer(route));
    return list;
  }

  /** Adds as many requests as there are `changes`, with numbers of their own. */
  add(...changes: Partial<DeferredRequest>[]): void {
    for (const change of changes)
      this.requests.push(aDeferredRequest({ number: this.requests.length + 1, ...fresh(), ...change }));
  }

  change(number: number, changes: Partial<DeferredRequest>): void {
    this.requests = this.requests.map((one) => (one.number === number ? { ...one, ...changes } : one));
  }

  async #answer(route: Route): Promise<void> {
    const url = new URL(route.request().url());
    const method = route.request().method();
    this.calls.push(`${method} ${url.pathname.split("/deferred")[1]}${url.search}`);
    if (this.answer) await route.fulfill({ status: this.answer.status, json: { ...this.answer } });
    else if (method === "GET") await route.fulfill({ json: this.#listed(url.searchParams) });
    else if (method === "DELETE") await route.fulfill({ status: 204 });
    else await route.fulfill({ status: 202, json: {} });
  }

  #listed(query: URLSearchParams) {
    const limit = Number(query.get("limit"));
    const found = this.requests.filter(({ state }) => state === (query.get("state") ?? state));
    const requests = found.slice(0, limit);
    return { requests, next: found.length > limit ? requests.at(-1)?.number : null };
  }
}

function fresh(): Partial<DeferredRequest> {
  const instant = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1_000).toISOString();
  return { acceptedAt: instant(600), startedAt: instant(300), endedAt: instant(290) };
}
