import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { until } from "../measure/until.ts";
import type { Bundles } from "./bundles.ts";
import type { Subject } from "./subject.ts";
import { Workerd, withIsolates } from "./workerd.ts";

export const BENCH_POOL = "bench";
const TOKEN = "bench-token-0123456789";

interface Options {
  /** Further pools for these hosts, in front of the same servers. */
  hosts?: string[];
  /** Further keys of the pool. */
  pool?: Record<string, unknown>;
  bundle?: "sluice" | "counted";
  /** How many isolates have the pool's object in common. */
  isolates?: number;
  flags?: string[];
}

/** Sluice as its users deploy it, with the pool `bench` for all hosts: one slot a server, room for all who wait. */
export class SluiceSubject implements Subject {
  readonly name = "sluice";
  readonly #workerd: Workerd;
  readonly #isolates: string[];

  constructor(workerd: Workerd, isolates: string[]) {
    this.#workerd = workerd;
    this.#isolates = isolates;
  }

  get url(): string {
    return this.#workerd.url("main");
  }

  get urls(): string[] {
    return this.#isolates.map((name) => this.#workerd.url(name));
  }

  /** A client that leaves when it is told to. */
  get leaverUrl(): string {
    return this.#workerd.url("leaver");
  }

  /** Many clients on one connection. */
  get crowdUrl(): string {
    return this.#workerd.url("crowd");
  }

  get inspectorUrl(): string {
    return this.#workerd.url("inspector");
  }

  get pid(): number {
    return this.#workerd.pid;
  }

  drain(): Promise<void> {
    return this.#post("drain", { wait: "30s", expires: "1h" });
  }

  resume(): Promise<void> {
    return this.#post("resume", {});
  }

  async snapshot(): Promise<Snapshot> {
    const response = await this.#admin("GET", "");
    return (await response.json()) as Snapshot;
  }

  /** Resolves once nothing is in flight or waits: what a load generator left behind when it went counts too. */
  async untilIdle(): Promise<void> {
    const idle = ({ inFlight, queued }: Snapshot) => inFlight === 0 && queued === 0;
    await until(() => this.snapshot(), idle, "an idle pool");
  }

  /** Resolves once that many wait. */
  async untilQueued(count: number): Promise<void> {
    const arrived = ({ queued }: Snapshot) => queued === count;
    await until(() => this.snapshot(), arrived, `${count} waiting requests`);
  }

  stop(): Promise<void> {
    return this.#workerd.stop();
  }

  async #post(verb: "drain" | "resume", body: unknown): Promise<void> {
    const response = await this.#admin("POST", `/${verb}`, body);
    await response.body?.cancel();
  }

  async #admin(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await fetch(`${this.url}/_sluice/api/pools/${BENCH_POOL}${path}`, {
      method,
      headers: { Authorization: `Bearer ${TOKEN}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}

export async function startSluice(
  servers: string[],
  bundles: Bundles,
  options: Options = {},
): Promise<SluiceSubject> {
  const { hosts = [], pool: keys = {}, bundle = "sluice", isolates = 1, flags = [] } = options;
  const list = servers.map((url, n) => ({ name: `s${n}`, url, shared: hosts.length > 0 }));
  const pool = { servers: list, max_queue: 100_000, queue_timeout: "1h", ...keys };
  const others = hosts.map((host, n) => [`bench-${n}`, { ...pool, hosts: [host] }] as const);
  const pools = { [BENCH_POOL]: pool, ...Object.fromEntries(others) };
  const worker = { bundle: bundles[bundle], className: "Pool", json: { POOLS: pools } };
  const mains = withIsolates({ ...worker, text: { ADMIN_TOKEN: TOKEN } }, isolates);
  const workerd = await Workerd.start(
    {
      ...mains,
      leaver: { bundle: bundles.leaver, services: { SLUICE: "main" } },
      crowd: { bundle: bundles.crowd, services: { SLUICE: "main" } },
    },
    flags,
  );
  return new SluiceSubject(workerd, Object.keys(mains));
}
