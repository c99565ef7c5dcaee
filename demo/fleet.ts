import type { ServerAnswer } from "../src/cli/rehearse/deferred.ts";
import { SingleFlightServer } from "./single-flight.ts";

/** The servers behind the gate, and their own record of what they did. */
export class Fleet {
  readonly servers: SingleFlightServer[];
  /** Path and query of each query of any server, in the order in which they began. */
  readonly begun: string[] = [];
  /** The last answer to each query, by its path and query. */
  readonly answers = new Map<string, ServerAnswer>();

  constructor(count: number, serviceMs: number) {
    const returnsBodies = true;
    const onQuery = (pathAndQuery: string) => void this.begun.push(pathAndQuery);
    const onAnswer = (answer: ServerAnswer) => void this.answers.set(answer.query, answer);
    this.servers = Array.from(
      { length: count },
      (_, index) =>
        new SingleFlightServer({ name: `demo-${index + 1}`, serviceMs, returnsBodies, onQuery, onAnswer }),
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
