/** Visits that wait on a page: their requests are stored, and keep their places while somebody is there. */
import type { CarriedRequest } from "../carry/carried-request.ts";
import type { RequestBody } from "../carry/request-body.ts";
import type { DeferredConfig } from "../config/types.ts";
import type { DeferredStatus, StoredRequest } from "../link/deferred-calls.ts";
import { type DeferredAddress, deferredAddress, newDeferredAddress } from "../link/deferred-id.ts";
import { Refusal } from "../refusals/refusal.ts";
import { cancelRequest, reachDeferred, tellLeft } from "../requests/reach-deferred.ts";
import { liveResponse, storedResponse } from "../requests/stored-response.ts";
import { headersOf, store } from "./defer.ts";
import { VisitCookie } from "./visit.ts";
import { waitingPage } from "./waiting-page.ts";

/** A page that is not seen for so long, in ms, was closed. A reload without a script comes every ten seconds. */
const VISITOR_MS = 30_000;
/** An answer that its visitor does not fetch is kept for so long, in ms. */
const KEEP_MS = 120_000;
/** So long a reload waits for a server that is at work, in ms, until the page is shown again. */
const HOLD_MS = 10_000;
/** An answer for other conditions than those of the reload that gets it would be none. */
const CONDITIONS = ["if-none-match", "if-modified-since"];

type Visiting = Omit<CarriedRequest, "body"> & { body: RequestBody };

/** One visit: its first request, or a reload. */
export class WaitingRoom {
  readonly #visit: Visiting;
  readonly #cookie: VisitCookie;
  readonly #config: DeferredConfig;
  /** For `Set-Cookie`; `null`: the browser keeps what it has. */
  #setCookie: string | null = null;

  private constructor(visit: Visiting, cookie: VisitCookie) {
    this.#visit = visit;
    this.#cookie = cookie;
    this.#config = visit.pool.deferred as DeferredConfig;
  }

  static async of(visit: Visiting): Promise<WaitingRoom> {
    return new WaitingRoom(visit, await VisitCookie.of(visit));
  }

  /** When a visit that waits gets the page, in ms. */
  get afterMs(): number {
    return this.#visit.pool.waitingPageMs as number;
  }

  /** With the answer, whichever it is, its browser learns where it stands, or that it does not any more. */
  mark({ headers }: Response): void {
    if (this.#setCookie !== null) headers.append("Set-Cookie", this.#setCookie);
  }

  /**
   * The answer to a visitor who was here before: the page again, or what it has waited for. `null`: nobody was here, or
   * its request is gone. Rejects with the refusal that its request has ended with.
   */
  async back(): Promise<Response | null> {
    const { env, request } = this.#visit;
    const id = this.#cookie.idIn(request.headers);
    if (id === null) return null;
    const address = deferredAddress(env, id);
    const status = address && (await reachDeferred(env, address, (stub) => stub.status(address.secret)));
    // Whoever can set cookies here could have this page show the answer of another one, even of another server.
    if (!status || !this.#isOurs(status)) return this.#unknown();
    if (status.state === "queued") return this.#page(status);
    return status.state === "running" ? this.#whenEnded(address) : this.#end(address, status);
  }

  /**
   * Stores the request of a visit that has waited, and answers with the page. `null`: it cannot be stored, and waits on.
   * `token`: see `ToBeDeferred`.
   */
  async enter(token: number | null): Promise<Response | null> {
    const { env, pool, request, target, trace, client, inBackground } = this.#visit;
    try {
      const address = newDeferredAddress(env);
      const headers = headersOf(request.headers, trace).filter(([name]) => !CONDITIONS.includes(name));
      const stored: StoredRequest = {
        secret: address.secret,
        pool: pool.name,
        requestId: trace.requestId,
        method: request.method,
        target,
        headers,
        expiresMs: this.#config.expiresMs,
        keepMs: KEEP_MS,
        mostAnswerBytes: this.#config.maxResponseBytes,
        key: null,
        webhook: null,
        visitorMs: VISITOR_MS,
        ...(token === null ? {} : { token }),
      };
      const accepted = await store(env, this.#visit, address, stored);
      if (accepted.code !== "accepted") return null;
      if (client.aborted) inBackground(tellLeft(env, address));
      return this.#page(accepted.status);
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
  }

  #isOurs({ pageAt }: DeferredStatus): boolean {
    const { origin, pathAndQuery } = this.#visit.target;
    return pageAt === origin + pathAndQuery;
  }

  #unknown(): null {
    this.#setCookie = this.#cookie.forgotten;
    return null;
  }

  #page(status: DeferredStatus): Response {
    const { env, pool, target, trace } = this.#visit;
    trace.isDeferred = true;
    trace.outcome = "deferred";
    this.#setCookie = this.#cookie.keeping(status.id, this.#config.expiresMs + KEEP_MS);
    return waitingPage(env, status, { target, pool: pool.name, requestId: trace.requestId });
  }

  async #whenEnded(address: DeferredAddress): Promise<Response | null> {
    const { env, client, inBackground } = this.#visit;
    const leave = () => inBackground(tellLeft(env, address));
    client.addEventListener("abort", leave);
    try {
      const ended = await reachDeferred(env, address, (stub, ms) => stub.untilEnded(address.secret, ms), {
        holdMs: HOLD_MS,
      });
      if (!ended) return this.#unknown();
      if ("rest" in ended) {
        this.#setCookie = this.#cookie.forgotten;
        return liveResponse(ended);
      }
      return ended.endedAt === null ? this.#page(ended) : this.#end(address, ended);
    } finally {
      client.removeEventListener("abort", leave);
    }
  }

  async #end(address: DeferredAddress, { state, problem }: DeferredStatus): Promise<Response | null> {
    const { env, pool, trace } = this.#visit;
    trace.isDeferred = true;
    this.#setCookie = this.#cookie.forgotten;
    if (problem) {
      this.#forget(address);
      throw new Refusal(problem.code, problem.detail, pool.name);
    }
    if (state === "canceled") throw new Refusal("canceled", "It has no answer.", pool.name);
    const over = Promise.withResolvers<boolean>();
    const response = await storedResponse(env, address, over.resolve);
    if (response) this.#forget(address, over.promise);
    return response;
  }

  /**
   * Nobody can ask for it any more: its browser forgets it with this answer. One whose connection broke before may not have
   * got that, and comes back.
   */
  #forget(address: DeferredAddress, isGiven: Promise<boolean> = Promise.resolve(true)): void {
    const { env, inBackground } = this.#visit;
    // If it is not reached, it forgets itself.
    inBackground(isGiven.then((is) => (is ? cancelRequest(env, address) : null)).catch(() => {}));
  }
}
