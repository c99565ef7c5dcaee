import { clock, duration } from "../../words/times.ts";
import type { AllPools } from "../client/admin-client.ts";
import { printable } from "./printable.ts";
import { sparkline } from "./sparkline.ts";
import type { Style } from "./style.ts";
import { poolHead, poolsView, serversView, unreachableView } from "./views.ts";

/** Points of the queue's curve: one a second. */
const HISTORY = 60;

/** What `top` shows: the pools as they are, how their queues went, and since when nobody has answered. */
export class TopView {
  /** As it was told last. */
  seen: AllPools = { pools: [], unreachable: [] };
  readonly #style: Style;
  readonly #one: boolean;
  readonly #queued = new Map<string, number[]>();
  #seenAt = 0;
  #error: string | null = null;

  constructor(style: Style, onePool: boolean) {
    this.#style = style;
    this.#one = onePool;
  }

  show(seen: AllPools, now: number): void {
    this.seen = seen;
    this.#seenAt = now;
    this.#error = null;
    for (const { name, queued } of seen.pools) {
      const history = this.#queued.get(name) ?? [];
      this.#queued.set(name, [...history, queued].slice(-HISTORY));
    }
  }

  lost(error: string): void {
    this.#error = error;
  }

  /** No wider than this many columns, where that can be. */
  lines(width: number, now: number): string[] {
    // As it was when it was seen: ages must not go on growing without knowledge.
    const at = this.#error ? this.#seenAt : now;
    const curves = this.#curves(width);
    const { pools, unreachable } = this.seen;
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
    const curves = this.seen.pools.map(({ name }) => {
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
