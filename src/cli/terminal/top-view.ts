import type { Snapshot } from "../../scheduler/snapshot.ts";
import { clock, duration } from "./durations.ts";
import { printable } from "./printable.ts";
import { sparkline } from "./sparkline.ts";
import type { Style } from "./style.ts";
import { poolsView, poolView } from "./views.ts";

/** Points of the queue's curve: one a second. */
const HISTORY = 60;

/** What `top` shows: the pools as they are, how their queues went, and since when nobody has answered. */
export class TopView {
  pools: readonly Snapshot[] = [];
  readonly #style: Style;
  readonly #one: boolean;
  readonly #queued = new Map<string, number[]>();
  #seenAt = 0;
  #error: string | null = null;

  constructor(style: Style, onePool: boolean) {
    this.#style = style;
    this.#one = onePool;
  }

  show(pools: readonly Snapshot[]): void {
    this.pools = pools;
    this.#seenAt = Date.now();
    this.#error = null;
    for (const { name, queued } of pools) {
      const history = this.#queued.get(name) ?? [];
      this.#queued.set(name, [...history, queued].slice(-HISTORY));
    }
  }

  lost(error: string): void {
    this.#error = error;
  }

  lines(now = Date.now()): string[] {
    // As it was when it was seen: ages must not go on growing without knowledge.
    const at = this.#error ? this.#seenAt : now;
    const body = this.#one
      ? this.pools.flatMap((pool) => poolView(pool, this.#style, at))
      : poolsView(this.pools, this.#style);
    const curves = this.pools.map(({ name }) => this.#curve(name));
    return [this.#head(now), "", ...body, "", ...curves];
  }

  #head(now: number): string {
    if (this.#error === null) return this.#style("dim", `sluice top  ${clock(now)}  q quits`);
    const words = `last seen ${duration(now - this.#seenAt)} ago: ${printable(this.#error)}`;
    return this.#style("red", words);
  }

  #curve(name: string): string {
    const history = this.#queued.get(name) ?? [];
    const line = this.#style("cyan", sparkline(history).padStart(HISTORY));
    return `${line}  ${this.#one ? "queue" : `queue of ${name}`}, at most ${Math.max(...history)}`;
  }
}
