import { join } from "node:path";
import { newFolder, removeFolder } from "../processes.ts";
import type { Bundles } from "./bundles.ts";
import { BENCH_POOL } from "./sluice.ts";
import { Workerd } from "./workerd.ts";

/** The runtime's binding by which objects of another process are reached is one of its experiments (2026-11-17). */
const FLAGS = ["--experimental"];
/** Processes with Workers only; clients are dealt out among them. */
const WORKERS = 2;

interface Options {
  shards: number;
  bundle: "spread" | "counted";
  /** How many requests each object lets in; without it, as many as it can. */
  entersPerSecond?: number | undefined;
}

/** Sluice with each of its pool's objects in a process of its own, and Workers in others. */
export class Spread {
  readonly shards: number;
  readonly isSlowed: boolean;
  readonly #objects: Workerd[];
  readonly #workers: Workerd[];
  readonly #folder: string;

  private constructor(
    { shards, entersPerSecond }: Options,
    objects: Workerd[],
    workers: Workerd[],
    folder: string,
  ) {
    this.shards = shards;
    this.isSlowed = entersPerSecond !== undefined;
    this.#objects = objects;
    this.#workers = workers;
    this.#folder = folder;
  }

  static async start(servers: readonly string[], bundles: Bundles, options: Options): Promise<Spread> {
    const { shards, bundle, entersPerSecond } = options;
    const folder = newFolder();
    const paths = Array.from({ length: shards }, (_, n) => join(folder, `objects-${n}`));
    const list = servers.map((url, n) => ({ name: `s${n}`, url }));
    const json = {
      POOLS: { [BENCH_POOL]: { servers: list, max_queue: 100_000, queue_timeout: "1h", shards } },
      OBJECTS_AT: paths.map((path) => `unix:${path}`),
      ...(entersPerSecond === undefined ? {} : { ENTERS_A_SECOND: entersPerSecond }),
    };
    const main = { bundle: bundles[bundle], className: "Pool", reachesDebugPorts: true };
    const objects = paths.map((path, n) =>
      Workerd.start(
        { main: { ...main, json: { ...json, OBJECTS_HERE: n } } },
        [...FLAGS, `--debug-port=unix:${path}`],
        "all",
      ),
    );
    const workers = Array.from({ length: WORKERS }, () =>
      Workerd.start({ main: { ...main, json } }, FLAGS, "all"),
    );
    return new Spread(options, await Promise.all(objects), await Promise.all(workers), folder);
  }

  /** Of the Workers, for clients. */
  get urls(): string[] {
    return this.#workers.map((workerd) => workerd.url("main"));
  }

  /** Of the objects, in the order of the shards, for a look at what they have counted. */
  get objectUrls(): string[] {
    return this.#objects.map((workerd) => workerd.url("main"));
  }

  /** Of the objects' processes, in the order of the shards. */
  get pids(): number[] {
    return this.#objects.map(({ pid }) => pid);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#workers, ...this.#objects].map((workerd) => workerd.stop()));
    removeFolder(this.#folder);
  }
}
