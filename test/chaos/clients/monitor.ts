import type { RequestStatus } from "../../../src/requests/request-status.ts";
import type { Runtime } from "../runtime.ts";
import { exchange, type Reply } from "./exchange.ts";

/** Longer than any wait that is asked for. */
const PATIENCE_MS = 20_000;
/** How long a call waits for the request's state to change, in seconds. */
const WAIT_S = 2;

/** What Sluice says of a stored request: of its state, and in the place of its answer. */
export interface Told {
  status: Reply;
  response: Reply;
}

/** Asks for a stored request. Through kills, as browsers do when somebody reloads the page. */
export class Monitor {
  readonly #runtime: Runtime;
  readonly #path: string;

  constructor(runtime: Runtime, id: string) {
    this.#runtime = runtime;
    this.#path = `/_sluice/requests/${id}`;
  }

  /** Resolves once it has ended, or is not known, or after so long. */
  async untilEnded(forMs: number): Promise<Told> {
    for (const end = performance.now() + forMs; ; ) {
      const status = await this.status(WAIT_S);
      if (status.status !== 200 || hasEnded(status) || performance.now() > end) {
        return { status, response: await this.#ask("GET", "/response") };
      }
    }
  }

  status(waitS = 0): Promise<Reply> {
    return this.#ask("GET", "", waitS === 0 ? {} : { Prefer: `wait=${waitS}` });
  }

  async isQueued(): Promise<boolean> {
    const status = statusIn(await this.status());
    // One that has had a server, which broke the connection before it had read anything, waits again.
    return status?.state === "queued" && status.attempts === 0;
  }

  delete(): Promise<Reply> {
    return this.#ask("DELETE");
  }

  #ask(method: string, view = "", headers = {}): Promise<Reply> {
    return this.#runtime.through(async ({ url }) => {
      const how = { method, headers, patienceMs: PATIENCE_MS };
      const { request, reply } = exchange(url + this.#path + view, how);
      request.end();
      const got = await reply;
      if (got.status === 0 || !got.whole)
        throw new Error(`${method} of a stored request: ${got.body.slice(0, 300)}`);
      return got;
    });
  }
}

/** `null`: it is no status. */
export function statusIn({ status, body }: Reply): RequestStatus | null {
  return status === 200 ? JSON.parse(body) : null;
}

function hasEnded(reply: Reply): boolean {
  return (statusIn(reply)?.endedAt ?? null) !== null;
}
