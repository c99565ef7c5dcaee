import type { Snapshot } from "../../scheduler/snapshot.ts";
import { type Condition, conditionOf } from "../../words/condition.ts";
import { type QueuePoint, queueTrend } from "../../words/queue-trend.ts";
import { clock, duration } from "../../words/times.ts";
import type { AllPools } from "../client/admin-client.ts";
import { flowsView } from "./flows-view.ts";
import type { Style } from "./output.ts";
import { printable } from "./output.ts";
import { shardsView } from "./shards-view.ts";
import { poolHead, poolsView, serversView, unreachableView } from "./views.ts";

/** Points of a queue's curve, one a second. */
const HISTORY = 60;
/** For how long points are kept, in ms: a trend is known after a minute. */
const KEPT_MS = 70_000;

/** The lines of `top`: the pools, the curves of their queues, and since when Sluice has not answered. */
export class TopView {
  /** The latest answer. */
  latest: AllPools = { pools: [], unreachable: [] };
  readonly #style: Style;
  readonly #one: boolean;
  readonly #queues = new Map<string, QueuePoint[]>();
  /** When each pool was last seen in a drain. */
  readonly #drainedAt = new Map<string, number>();
  #seenAt = 0;
  #error: string | null = null;

  constructor(style: Style, onePool: boolean) {
    this.#style = style;
    this.#one = onePool;
  }

  update(all: AllPools, now: number): void {
    this.latest = all;
    this.#seenAt = now;
    this.#error = null;
    for (const { name, queued, oldestWaitMs, drain } of all.pools) {
      const before = (this.#queues.get(name) ?? []).filter(({ at }) => at >= now - KEPT_MS);
      this.#queues.set(name, [...before, { at: now, queued, oldestMs: oldestWaitMs }]);
      if (drain) this.#drainedAt.set(name, now);
    }
  }

  setError(error: string): void {
    this.#error = error;
  }

  /** No wider than `width` columns, if that is possible. */
  lines(width: number, now: number): string[] {
    // Ages must not grow while nothing is known.
    const at = this.#error ? this.#seenAt : now;
    const curves = this.#curves(width);
    const { pools, unreachable } = this.latest;
    const body = this.#one
      ? pools.flatMap((pool) => [
          ...poolHead(pool, this.#style, at, this.#judge(pool)),
          ...curves,
          "",
          ...serversView(pool.servers, this.#style, at, width),
          ...flowsView(pool, this.#style, width),
          ...shardsView(pool, this.#style, width),
        ])
      : [
          ...poolsView(pools, this.#style, width, (pool) => this.#judge(pool)),
          ...unreachableView(unreachable, this.#style),
          "",
          ...curves,
        ];
    return [this.#head(now), "", ...body];
  }

  #judge(pool: Snapshot): Condition {
    const drainedAt = this.#drainedAt.get(pool.name) ?? 0;
    const points = (this.#queues.get(pool.name) ?? []).filter(({ at }) => at > drainedAt);
    return conditionOf(pool, undefined, queueTrend(pool, points, this.#seenAt)?.kind);
  }

  #head(now: number): string {
    if (this.#error === null) return this.#style("dim", `sluice top  ${clock(now, now)}  q quits`);
    const words = `last seen ${duration(now - this.#seenAt)} ago: ${printable(this.#error)}`;
    return this.#style("red", words);
  }

  #curves(width: number): string[] {
    const curves = this.latest.pools.map(({ name }) => {
      const history = (this.#queues.get(name) ?? []).slice(-HISTORY).map(({ queued }) => queued);
      const words = `${this.#one ? "queue" : `queue of ${name}`}, at most ${Math.max(...history)}`;
      return { words, history };
    });
    const widest = Math.max(...curves.map(({ words }) => words.length)) + 2;
    const points = Math.max(0, Math.min(HISTORY, width - widest));
    return curves.map(({ words, history }) => {
      const line = points > 0 ? sparkline(history.slice(-points)) : "";
      return words.padEnd(widest) + this.#style("cyan", line);
    });
  }
}

const LEVELS = "▁▂▃▄▅▆▇█";

/** The numbers as a line of blocks; the highest number is a full block. */
export function sparkline(numbers: readonly number[]): string {
  const most = Math.max(1, ...numbers);
  return numbers.map((number) => LEVELS[Math.round((number / most) * (LEVELS.length - 1))]).join("");
}
