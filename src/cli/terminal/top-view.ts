import { clock, duration } from "../../words/times.ts";
import type { AllPools } from "../client/admin-client.ts";
import type { Style } from "./output.ts";
import { printable } from "./output.ts";
import { poolHead, poolsView, serversView, unreachableView } from "./views.ts";

/** Points of a queue's curve, one a second. */
const HISTORY = 60;

/** The lines of `top`: the pools, the curves of their queues, and since when Sluice has not answered. */
export class TopView {
  /** The latest answer. */
  latest: AllPools = { pools: [], unreachable: [] };
  readonly #style: Style;
  readonly #one: boolean;
  readonly #queued = new Map<string, number[]>();
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
    for (const { name, queued } of all.pools) {
      const history = this.#queued.get(name) ?? [];
      this.#queued.set(name, [...history, queued].slice(-HISTORY));
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
          ...poolHead(pool, this.#style, at),
          ...curves,
          "",
          ...serversView(pool.servers, this.#style, at, width),
        ])
      : [
          ...poolsView(pools, this.#style, width),
          ...unreachableView(unreachable, this.#style),
          "",
          ...curves,
        ];
    return [this.#head(now), "", ...body];
  }

  #head(now: number): string {
    if (this.#error === null) return this.#style("dim", `sluice top  ${clock(now, now)}  q quits`);
    const words = `last seen ${duration(now - this.#seenAt)} ago: ${printable(this.#error)}`;
    return this.#style("red", words);
  }

  #curves(width: number): string[] {
    const curves = this.latest.pools.map(({ name }) => {
      const history = this.#queued.get(name) ?? [];
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
