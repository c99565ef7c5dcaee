import { setTimeout as sleep } from "node:timers/promises";
import type { Sluice } from "../support/sluice.ts";
import { perform } from "./clients/clients.ts";
import { defer } from "./clients/deferring.ts";
import type { Reply } from "./clients/exchange.ts";
import { CLIENT_KINDS, type ClientKind, isDeferring } from "./clients/plan.ts";
import type { Journal } from "./journal.ts";
import { LEFT_OUT_AFTER_MS, LEFT_OUT_EVERY, type RequestPlan, requestPlan } from "./plans.ts";
import { type Settings, STOP_MESSAGE } from "./pool.ts";
import type { Random } from "./random.ts";
import type { Runtime } from "./runtime.ts";
import type { Spread } from "./spread.ts";
import { settle, verdict } from "./verdict.ts";

/** No more than so many at a time: what cannot be answered in time only waits. */
const MOST_OUTSTANDING = 450;
const BURST = { chance: 1 / 1000, shortest: 60, longest: 250 };

/** The clients of one pool: they come at their own pace, now and then in crowds, and some of them misbehave. */
export class Load {
  readonly #runtime: Runtime;
  readonly #journal: Journal;
  readonly #random: Random;
  readonly #spread: Spread;
  readonly #outstanding = new Set<Promise<void>>();

  constructor(runtime: Runtime, journal: Journal, random: Random, spread: Spread) {
    this.#runtime = runtime;
    this.#journal = journal;
    this.#random = random;
    this.#spread = spread;
  }

  async run(forMs: number): Promise<void> {
    const arrivals = this.#random.fork("arrivals");
    const { meanGapMs } = this.#journal.settings;
    const end = this.#journal.now() + forMs;
    let due = this.#journal.now();
    for (let number = 1; due < end; number++) {
      const early = due - this.#journal.now();
      if (early > 0) await sleep(early);
      while (this.#outstanding.size >= MOST_OUTSTANDING) {
        await Promise.race(this.#outstanding);
        due = this.#journal.now();
      }
      const crowd = arrivals.chance(BURST.chance) ? arrivals.whole(BURST.shortest, BURST.longest) : 1;
      for (let one = 0; one < crowd; one++) void this.send(this.#plan(number, one));
      due += -Math.log(1 - arrivals.next()) * meanGapMs;
    }
  }

  /** Resolves when this request has met its fate. */
  send(plan: RequestPlan): Promise<void> {
    const done = this.#send(plan).finally(() => this.#outstanding.delete(done));
    this.#outstanding.add(done);
    return done;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#outstanding);
  }

  async #send(plan: RequestPlan): Promise<void> {
    const [journal, runtime] = [this.#journal, this.#runtime];
    const isolate = this.#spread.isolateOf(plan.id, journal.now());
    const sluice = await runtime.isolate(isolate);
    const sent = journal.send(plan, isolate);
    try {
      const fate = isDeferring(plan.client)
        ? await defer({ sent, journal, runtime })
        : verdict(sent, await answerOf(plan, await perform(sent, journal, sluice), sluice), journal);
      if (fate !== null) settle(sent, fate, journal);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      settle(sent, { lost: code ?? message }, journal);
    }
  }

  #plan(number: number, one: number): RequestPlan {
    const { settings, clients } = this.#journal;
    const isTime = this.#journal.now() >= LEFT_OUT_AFTER_MS && number % LEFT_OUT_EVERY === 0;
    const leftOut = isTime
      ? CLIENT_KINDS.find((kind) => !clients.has(kind) && mayCome(kind, settings))
      : undefined;
    return requestPlan(this.#random, `${settings.pool}-${number}-${one}`, settings, leftOut);
  }
}

function mayCome(kind: ClientKind, { without, storesRequests }: Settings): boolean {
  return !without.includes(kind) && (storesRequests || !isDeferring({ kind }));
}

/** The runtime closes a connection on which so much more comes after a refusal, in bytes (workerd 2026-11-17). */
const MOST_AFTER_REFUSAL = 65_536;
const LATE_LINE_MS = 1_000;

/**
 * Whoever goes on with a long upload that is refused may get a reset instead of the answer: the refusal that Sluice has
 * logged is the answer then.
 */
async function answerOf(plan: RequestPlan, reply: Reply, sluice: Sluice): Promise<Reply> {
  const isReset = reply.status === 0 && /^(EPIPE|ECONNRESET)$/.test(reply.body);
  const isLong = plan.client.kind === "slow upload" && (plan.bodyBytes ?? 0) > MOST_AFTER_REFUSAL;
  if (!isReset || !isLong) return reply;
  const isOf = ({ requestId, outcome }: Record<string, unknown>) =>
    requestId === plan.id && (outcome === "refused" || outcome === "cut-off");
  let line = sluice.log.find(isOf);
  // It may be on its way.
  for (const end = Date.now() + LATE_LINE_MS; !line && Date.now() < end; line = sluice.log.find(isOf))
    await sleep(50);
  if (!line) return reply;
  // Not in the log; others are there to hear it.
  const detail = line.code === "stopped" ? STOP_MESSAGE : "";
  const body = JSON.stringify({ code: line.code, detail, instance: plan.id });
  const headers = { "content-type": "application/problem+json" };
  return { status: Number(line.status), headers, body, whole: true };
}
