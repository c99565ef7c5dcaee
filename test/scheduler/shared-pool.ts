import { Heap } from "../../src/scheduler/collections/priority-queue.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import type { LeaseEnd } from "../../src/scheduler/terms/lease-end.ts";
import { DONE } from "./ends.ts";
import { settings } from "./settings.ts";

/** How often a Worker says that it still holds its slot, in ms. */
const RENEW_MS = 10_000;

/**
 * What comes of a request at its server.
 * done    it is answered
 * left    its client leaves, and the slot is in quarantine as long as it may be
 * failed  its server breaks the connection; it is tried again, and answered then
 * busy    its server refuses it, as it is busy for somebody else; it is tried again, and answered then
 */
export type Outcome = "done" | "left" | "failed" | "busy";

export interface Request {
  readonly id: string;
  readonly flow: string;
  readonly serviceMs: number;
  readonly outcome: Outcome;
  readonly at: number;
  readonly aheadMs: number;
  /** Times that it is tried and does not succeed. */
  readonly failures: number;
}

/** What one flow has, by an account that knows nothing of the scheduler's. */
export class Account {
  waiting = 0;
  /** Slots that are closed for it. */
  slots = 0;
  /** For how long slots have been so, in all, in ms. */
  servedMs = 0;
  grants = 0;
}

/** A pool whose clients share, the clients, and the time that its slots are closed for each. One server has all slots. */
export class SharedPool {
  readonly scheduler: Scheduler;
  now = 0;
  readonly slots: number;
  readonly mostInFlight: number;
  /** In the order of the grants of their first slots, and when these were. */
  readonly granted: (Request & { grantedAt: number })[] = [];
  /** What all have had. */
  servedMs = 0;
  readonly accounts = new Map<string, Account>();
  /** Called after everything that happens. */
  onEvent: () => void = () => {};
  #events = new Heap<{ at: number; nth: number; run: () => void }>(
    (a, b) => a.at < b.at || (a.at === b.at && a.nth < b.nth),
  );
  #scheduled = 0;
  #ids = 0;
  /** Those that wait or run, by ticket. */
  readonly #requests = new Map<string, { request: Request; isRetry: boolean }>();
  readonly #tokens = new Map<string, number>();
  readonly #quarantineMs: number;
  /** Those that have slots. */
  readonly #atWork = new Set<Account>();
  readonly #quarantined: { until: number; account: Account }[] = [];

  constructor(keys: Record<string, unknown> = {}) {
    const servers = [{ name: "s", url: "http://s.example" }];
    const usual = { flow: "address", quarantine: { max: "20s", broken: "0s" }, queue_timeout: "24h" };
    const config = settings({ servers, ...usual, max_queue: 10_000, ...keys });
    this.scheduler = new Scheduler(config, null, 0);
    this.slots = config.slots;
    this.mostInFlight = config.maxInFlightPerFlow ?? Number.POSITIVE_INFINITY;
    this.#quarantineMs = config.quarantine.maxMs;
  }

  of(flow: string): Account {
    const account = this.accounts.get(flow) ?? new Account();
    this.accounts.set(flow, account);
    return account;
  }

  /** A request arrives, now. */
  send(
    flow: string,
    serviceMs: number,
    wants: { outcome?: Outcome; aheadMs?: number; failures?: number } = {},
  ): Request {
    const { outcome = "done", aheadMs = 0, failures = 1 } = wants;
    const request = { id: `t${this.#ids++}`, flow, serviceMs, outcome, at: this.now, aheadMs, failures };
    this.#enter(request.id, request);
    return request;
  }

  changeSlots(slots: number): void {
    this.#do(() => this.scheduler.changeServer("s", { slots }, "me", this.now));
  }

  at(at: number, run: () => void): void {
    this.#events.push({ at, nth: this.#scheduled++, run });
  }

  /** Plays what is to happen up to then. */
  play(until: number): void {
    for (;;) {
      const at = Math.min(this.#events.peek()?.at ?? Number.POSITIVE_INFINITY, this.scheduler.nextTick());
      if (at > until) break;
      this.#pass(Math.max(this.now, at));
      if (this.scheduler.nextTick() <= this.now) this.#do(() => this.scheduler.tick(this.now));
      else this.#events.pop()?.run();
    }
    this.#pass(until);
  }

  /** Plays until nobody waits or is served. */
  playToEnd(): void {
    while (this.#requests.size > 0) this.play(this.now + 60_000);
  }

  /** Never passes the end of a quarantine, as the scheduler wants to be woken then. */
  #pass(to: number): void {
    for (const account of this.#atWork) {
      account.servedMs += account.slots * (to - this.now);
      this.servedMs += account.slots * (to - this.now);
    }
    this.now = to;
    for (let first = this.#quarantined[0]; first && first.until <= to; first = this.#quarantined[0]) {
      this.#quarantined.shift();
      this.#free(first.account);
    }
  }

  #free(account: Account): void {
    account.slots--;
    if (account.slots === 0) this.#atWork.delete(account);
  }

  #enter(id: string, request: Request, failures = 0): void {
    this.of(request.flow).waiting++;
    this.#requests.set(id, { request, isRetry: failures > 0 });
    const { flow, aheadMs } = request;
    const token = this.#tokens.get(request.id);
    const again = token === undefined ? {} : { token, retry: { server: "s", restMs: 0, avoid: false } };
    this.#do(() => this.scheduler.enter({ id, flow, aheadMs, ...again }, this.now));
  }

  #do(event: () => void): void {
    event();
    for (const decision of this.scheduler.takeChanges().decisions) {
      if (decision.kind === "refuse") throw new Error(`${decision.ticket} is refused: ${decision.code}`);
      if (!("token" in decision)) throw new Error(`${decision.ticket}: ${decision.kind}`);
      this.#tokens.set(decision.ticket.split("/")[0] ?? "", decision.token);
      if (decision.kind === "grant") this.#serve(decision.ticket);
    }
    this.onEvent();
  }

  #serve(id: string): void {
    const waiting = this.#requests.get(id);
    if (!waiting) throw new Error(`a slot for nobody: ${id}`);
    const { request, isRetry } = waiting;
    const account = this.of(request.flow);
    account.waiting--;
    account.slots++;
    this.#atWork.add(account);
    account.grants++;
    if (!isRetry) this.granted.push({ ...request, grantedAt: this.now });
    const endsAt = this.now + request.serviceMs;
    for (let at = this.now + RENEW_MS; at < endsAt; at += RENEW_MS)
      this.at(at, () => this.#do(() => this.scheduler.renew(id, this.now)));
    this.at(endsAt, () => this.#end(id, request));
  }

  #end(id: string, request: Request): void {
    const [, nth = "0"] = id.split("/");
    const isTriedAgain = ["failed", "busy"].includes(request.outcome) && Number(nth) < request.failures;
    if (isTriedAgain) this.#enter(`${request.id}/${Number(nth) + 1}`, request, Number(nth) + 1);
    this.#requests.delete(id);
    const account = this.of(request.flow);
    if (request.outcome === "left") this.#quarantined.push({ until: this.now + this.#quarantineMs, account });
    else this.#free(account);
    const end: LeaseEnd = !isTriedAgain
      ? request.outcome === "left"
        ? { how: "client" }
        : DONE
      : request.outcome === "busy"
        ? { how: "busy", restMs: 0 }
        : { how: "broken", retried: true };
    this.#do(() => this.scheduler.end(id, end, this.now));
  }
}
