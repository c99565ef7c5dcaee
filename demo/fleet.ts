import { SingleFlightServer } from "./single-flight.ts";

/** The servers behind the gate, and their own record of what they did. */
export class Fleet {
  readonly servers: SingleFlightServer[];
  /** Path and query of each query of any server, in the order in which they began. */
  readonly begun: string[] = [];

  constructor(count: number, serviceMs: number) {
    const onQuery = (pathAndQuery: string) => void this.begun.push(pathAndQuery);
    this.servers = Array.from(
      { length: count },
      (_, index) => new SingleFlightServer({ name: `demo-${index + 1}`, serviceMs, onQuery }),
    );
  }

  /** After a `stop` on the same ports again. */
  async start(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.start()));
  }

  /** As a deploy does it that trusts the drain: without a look at what is still at work. */
  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  get busy(): number {
    return this.servers.filter((server) => server.busy).length;
  }

  get rejected(): number {
    return this.servers.reduce((sum, server) => sum + server.rejected, 0);
  }
}
