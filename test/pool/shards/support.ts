import { SingleFlightServer } from "../../../demo/single-flight.ts";
import type { Snapshot } from "../../../src/scheduler/snapshot.ts";
import type { Answer } from "../../support/connections.ts";
import { Connections } from "../../support/connections.ts";
import type { SingleFlightPool } from "../../support/single-flight-pool.ts";
import { Sluice } from "../../support/sluice.ts";

/** What the objects of the pool `web` are called. */
export const objectNames = (shards: number) =>
  Array.from({ length: shards }, (_, shard) => (shard === 0 ? "web" : `web#${shard}`));

export const paths = (count: number, of = "") => Array.from({ length: count }, (_, n) => `${of}/${n}`);

/** True once each server is one shard's, of so many. */
export const isSpread = (shards: number) => (snapshot: Snapshot) =>
  snapshot.shards?.length === shards && snapshot.servers.every(({ shard }) => shard !== undefined);

/** The servers that a shard grants. */
export const serversOf = (snapshot: Snapshot, shard: number) =>
  snapshot.servers.filter((server) => server.shard === shard).map(({ name }) => name);

/** The shard that grants the server's slots. */
export const shardOf = ({ servers }: Snapshot, name: string) =>
  servers.find((server) => server.name === name)?.shard;

/** Sends all of them at once. What a test that fails leaves unanswered does not matter. */
export function sendAll({ client }: Pick<SingleFlightPool, "client">, requests: readonly string[]) {
  const answers = requests.map((path) => client.get(path));
  for (const answer of answers) answer.catch(() => {});
  return answers;
}

/** Requests from so many connections, each of which sends its next one once it has an answer. */
export async function answersOf(url: string, requests: readonly string[], connections: number) {
  const client = new Connections(url, connections);
  const answers = await Promise.all(requests.map((path) => client.get(path)));
  client.close();
  return answers;
}

/** Resolves once the servers are at work on so many requests. */
export const atWork = ({ sluice }: Pick<SingleFlightPool, "sluice">, count: number) =>
  sluice.until("web", ({ inFlight }) => inFlight === count);

/**
 * The pool `web` with its objects in one process and Workers in others, so that objects come up with another configuration
 * while Workers, of old ones and new ones, go on with their requests.
 */
export class Deployed {
  readonly servers: SingleFlightServer[];
  readonly workers: Sluice[] = [];
  #objects: Sluice;
  readonly #keys: Record<string, unknown>;

  private constructor(servers: SingleFlightServer[], objects: Sluice, keys: Record<string, unknown>) {
    this.servers = servers;
    this.#objects = objects;
    this.#keys = keys;
  }

  static async start(count: number, serviceMs: number, shards: number): Promise<Deployed> {
    const servers = Array.from(
      { length: count },
      (_, n) => new SingleFlightServer({ name: `web-${n}`, serviceMs }),
    );
    await Promise.all(servers.map((server) => server.start()));
    const list = servers.map(({ name, url }) => ({ name, url }));
    const keys = { max_queue: 100_000, servers: list };
    const pools = { web: { ...keys, shards } };
    return new Deployed(servers, await Sluice.start({ pools, opensObjects: true }), keys);
  }

  /** One more Worker, of a version that has so many shards. */
  async worker(shards: number): Promise<Sluice> {
    const pools = { web: { ...this.#keys, shards } };
    const worker = await Sluice.start({ pools, objectsAt: this.#objects.objectsAt });
    this.workers.push(worker);
    return worker;
  }

  /** All objects are ended, and come up again on what they have stored, of a version that has so many shards. */
  async deployObjects(shards: number): Promise<void> {
    const folder = await this.#objects.stopKeepingStorage();
    const pools = { web: { ...this.#keys, shards } };
    this.#objects = await Sluice.start({ pools, opensObjects: true, folder });
  }

  /** Where the objects are, and a Worker of their own version. */
  get objects(): Sluice {
    return this.#objects;
  }

  get rejected(): number {
    return this.servers.reduce((sum, server) => sum + server.rejected, 0);
  }

  get served(): string[] {
    return this.servers.flatMap((server) => server.served);
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop()));
    await this.#objects.stop();
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}

/** Clients that each send their next request once they have an answer, until they are told to end. */
export class Load {
  readonly answers: { path: string; status: number; body: string; query: string }[] = [];
  readonly #clients: Promise<void>[];
  #isOver = false;

  constructor(urls: readonly string[], clientsEach: number) {
    this.#clients = urls.flatMap((url, worker) =>
      Array.from({ length: clientsEach }, (_, n) => this.#run(url, `/${worker}-${n}`)),
    );
    // A test that fails ends them by ending what answers them.
    for (const client of this.#clients) client.catch(() => {});
  }

  /** Resolves once so many more requests have been answered. */
  async more(count: number): Promise<void> {
    const goal = this.answers.length + count;
    while (this.answers.length < goal) await this.#next.promise;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  #next = Promise.withResolvers<void>();

  async #run(url: string, key: string): Promise<void> {
    const client = new Connections(url, 1);
    for (let n = 0; !this.#isOver; n++) {
      const path = `${key}/${n}`;
      const { status, body, headers }: Answer = await client.get(path);
      this.answers.push({ path, status, body, query: String(headers["x-query"]) });
      this.#next.resolve();
      this.#next = Promise.withResolvers();
    }
    client.close();
  }
}
