/** The pools that docs/fair-shares.md shows, and clients that send requests to them by a clock of their own. */
import { aheadOf, flowOf } from "../../src/carry/flow.ts";
import { readToml } from "../../src/cli/wrangler-file/toml.ts";
import { valueAt } from "../../src/cli/wrangler-file/tree.ts";
import { readPools } from "../../src/config/parse.ts";
import type { PoolConfig } from "../../src/config/types.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { read } from "./documents.ts";
import { fencesOf } from "./markdown.ts";

/** The pool below a heading. Its servers are up: nobody checks them here. */
export function recipe(heading: string): PoolConfig {
  const [, section = ""] = read("docs/fair-shares.md").split(`\n### ${heading}\n`);
  const toml = fencesOf(section).find(({ language }) => language === "toml")?.text ?? "";
  const { pools, problems } = readPools(valueAt(readToml(toml), ["vars"]) as object);
  const [pool] = pools.values();
  if (!pool || problems.length > 0) throw new Error(`no pool below "${heading}"`);
  return { ...pool, check: null };
}

export interface Sent {
  /** Of the client, when it is told of. */
  name: string;
  /** In ms. */
  at: number;
  /** How long its server takes, in ms. */
  takes: number;
  method?: string;
  path?: string;
  headers?: Record<string, string>;
}

export interface Outcome extends Sent {
  /** When it got its slot; `null`: it was refused. */
  startedAt: number | null;
  refused: string | null;
}

/** Requests at a pool, each of whose servers works as long as the request says. */
export class Clients {
  readonly #pool: PoolConfig;
  readonly #scheduler: Scheduler;
  readonly #sent = new Map<string, Outcome>();
  #running: { id: string; endsAt: number }[] = [];

  constructor(pool: PoolConfig) {
    this.#pool = pool;
    this.#scheduler = new Scheduler(pool, null, 0);
  }

  /** Resolves with what became of each, in the order in which they got their slots; refused ones first. */
  async send(requests: readonly Sent[], untilMs = Number.POSITIVE_INFINITY): Promise<Outcome[]> {
    for (const request of requests.toSorted((one, other) => one.at - other.at)) {
      this.#playUntil(Math.min(request.at, untilMs));
      if (request.at >= untilMs) break;
      await this.#enter(request);
    }
    this.#playUntil(untilMs);
    const all = [...this.#sent.values()].filter((one) => one.startedAt !== null || one.refused !== null);
    return all.sort((one, other) => (one.startedAt ?? 0) - (other.startedAt ?? 0));
  }

  async #enter(request: Sent): Promise<void> {
    const { at, method = "GET", path = "/", headers = {} } = request;
    const target = { path, pathAndQuery: path };
    const given = { method, headers: new Headers(headers) };
    const flow = await flowOf(this.#pool, given.headers, target);
    const aheadMs = aheadOf(this.#pool, given, target);
    const id = `${this.#sent.size}`;
    this.#sent.set(id, { ...request, startedAt: null, refused: null });
    this.#scheduler.enter({ id, aheadMs, ...(flow === null ? {} : { flow }) }, at);
    this.#take(at);
  }

  #playUntil(until: number): void {
    for (;;) {
      const endsAt = this.#running[0]?.endsAt ?? Number.POSITIVE_INFINITY;
      const next = Math.min(endsAt, this.#scheduler.nextTick());
      if (next >= until) return;
      const ended = endsAt === next ? this.#running.shift() : undefined;
      if (ended) this.#scheduler.end(ended.id, { how: "done", status: 200 }, next);
      // Whoever holds a slot says so all the time.
      for (const { id } of this.#running) this.#scheduler.renew(id, next);
      this.#scheduler.tick(next);
      this.#take(next);
    }
  }

  #take(now: number): void {
    for (const decision of this.#scheduler.takeChanges().decisions) {
      const outcome = this.#sent.get(decision.ticket);
      if (outcome === undefined) continue;
      if (decision.kind === "refuse") outcome.refused = decision.code;
      if (decision.kind !== "grant") continue;
      outcome.startedAt = now;
      this.#running.push({ id: decision.ticket, endsAt: now + outcome.takes });
      this.#running.sort((one, other) => one.endsAt - other.endsAt);
    }
  }
}
