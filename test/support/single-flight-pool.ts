import { SingleFlightServer } from "../../demo/single-flight.ts";
import { Connections } from "./connections.ts";
import { Sluice, type SluiceOptions } from "./sluice.ts";
import { WorkRecord } from "./work-record.ts";

/** The pool `web` in front of real servers that can do one thing at a time. */
export class SingleFlightPool {
  sluice: Sluice;
  readonly servers: SingleFlightServer[];
  /** What all servers together did. */
  readonly record: WorkRecord;
  readonly client: Connections;
  readonly #options: Omit<SluiceOptions, "folder">;

  private constructor(
    sluice: Sluice,
    { servers, record }: { servers: SingleFlightServer[]; record: WorkRecord },
    options: Omit<SluiceOptions, "folder">,
  ) {
    this.sluice = sluice;
    this.#options = options;
    this.servers = servers;
    this.record = record;
    this.client = new Connections(sluice.url);
  }

  static async start(
    count: number,
    serviceMs: number,
    keys: Record<string, unknown> = {},
    options: Partial<SluiceOptions> = {},
  ): Promise<SingleFlightPool> {
    const record = new WorkRecord();
    const onQuery = (query: string) => record.begin(query);
    const onAnswer = ({ query }: { query: string }) => record.end(query);
    const servers = Array.from(
      { length: count },
      (_, n) => new SingleFlightServer({ name: `web-${n}`, serviceMs, onQuery, onAnswer }),
    );
    await Promise.all(servers.map((server) => server.start()));
    const list = servers.map(({ name, url }) => ({ name, url }));
    const all = { pools: { web: { max_queue: 100_000, servers: list, ...keys } }, ...options };
    return new SingleFlightPool(await Sluice.start(all), { servers, record }, all);
  }

  /** Kills the runtime, with what it has not written yet, and starts it again on the same storage: a new `sluice`. */
  async killAndStartAgain(): Promise<void> {
    const folder = await this.sluice.stopKeepingStorage();
    this.sluice = await Sluice.start({ ...this.#options, folder });
  }

  get rejected(): number {
    return this.servers.reduce((sum, server) => sum + server.rejected, 0);
  }

  /** What the servers were asked, each in its own order. */
  get served(): string[] {
    return this.servers.flatMap((server) => server.served);
  }

  /** Requests `/0`, `/1` … each sent only when the pool has taken in the one before: their order is certain. */
  async sendInOrder(count: number): Promise<Promise<{ status: number }>[]> {
    const answers: Promise<{ status: number }>[] = [];
    const before = (await this.sluice.snapshot("web")).totals.accepted;
    for (let n = 0; n < count; n++) {
      answers.push(this.client.get(`/${n}`));
      await this.sluice.until("web", (snapshot) => snapshot.totals.accepted === before + n + 1);
    }
    return answers;
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.sluice.stop();
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}
