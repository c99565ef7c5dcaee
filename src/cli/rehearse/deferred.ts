import { createHash, randomBytes } from "node:crypto";
import { type Answer, type Call, reasonOf, said, send } from "./http.ts";
import { Tally } from "./tally.ts";

const BODY_BYTES = 16 * 1024;
/** Whose answer is not there by then counts as lost. Shorter than what `send` has the patience for. */
const LONGEST_WAIT_S = 50;
const PATH = "/report/";

/** What a server says that it has sent. */
export interface ServerAnswer {
  /** The query's path and query. */
  query: string;
  servedBy: string;
  /** `digestOf` the body. */
  digest: string;
}

/** SHA-256, in hex. */
export function digestOf(body: Buffer): string {
  return createHash("sha256").update(body).digest("hex");
}

interface Accepted {
  query: string;
  body: Buffer;
  location: string;
}

/** Requests with `Prefer: respond-async`, each with a body of its own: sent now, their answers fetched later. */
export class Deferred {
  /** In the order in which they were. */
  readonly accepted: Accepted[] = [];
  /** From sending each of them to its 202. */
  readonly acceptMs: number[] = [];
  answered = 0;
  /** How many were not accepted, by the reason. */
  readonly refused = new Tally();
  /** How many were accepted, and not answered as their servers did. */
  readonly lost = new Tally();
  readonly #url: string;
  readonly #headers: NonNullable<Call["headers"]>;
  readonly #path: string;
  readonly #search: string;

  /** `search`: the query string of each request. */
  constructor(url: string, { headers = {}, path = PATH, search = "" }: Options = {}) {
    this.#url = url;
    this.#headers = headers;
    this.#path = path;
    this.#search = search;
  }

  /** Sends them one after another: their order is certain. `onAccepted`: told of each 202. */
  async submit(count: number, onAccepted: () => void): Promise<void> {
    for (let number = 0; number < count; number++)
      await this.#submit(this.#path + number + this.#search, onAccepted).catch(counting(this.refused));
  }

  /** Fetches the answers, and compares them with what the servers say that they have sent. */
  async collect(sent: Sent, onAnswered: () => void): Promise<void> {
    const collect = (request: Accepted) => this.#collect(request, sent, onAnswered);
    await Promise.all(this.accepted.map((request) => collect(request).catch(counting(this.lost))));
  }

  /** The places in line of those that servers began, in the order in which they did. */
  placesOf(begun: string[]): number[] {
    const places = new Map(this.accepted.map(({ query }, place) => [query, place]));
    return begun.map((query) => places.get(query)).filter((place) => place !== undefined);
  }

  async #submit(query: string, onAccepted: () => void): Promise<void> {
    const body = randomBytes(BODY_BYTES);
    const sentAt = performance.now();
    const answer = await send(this.#url + query, {
      method: "POST",
      headers: { ...this.#headers, Prefer: "respond-async" },
      body,
    });
    const { location } = answer.headers;
    if (answer.status !== 202 || location === undefined) throw new Error(said(answer));
    this.acceptMs.push(performance.now() - sentAt);
    this.accepted.push({ query, body, location });
    onAccepted();
  }

  async #collect({ query, body, location }: Accepted, sent: Sent, onAnswered: () => void): Promise<void> {
    const headers = { ...this.#headers, Prefer: `wait=${LONGEST_WAIT_S}` };
    const answer = await send(`${location}/response`, { headers });
    if (answer.headers["x-served-by"] === undefined) throw new Error(said(answer));
    const server = await sent.get(query);
    if (!server || !isSame(answer, server) || server.digest !== digestOf(body))
      throw new Error("another answer than its server's");
    this.answered++;
    onAnswered();
  }
}

interface Options {
  headers?: NonNullable<Call["headers"]>;
  path?: string;
  search?: string;
}

/** The servers' record, by path and query. */
interface Sent {
  get(query: string): ServerAnswer | undefined | Promise<ServerAnswer | undefined>;
}

function counting(reasons: Tally): (error: Error) => void {
  return (error) => reasons.add(reasonOf(error));
}

function isSame({ status, headers, body }: Answer, { query, servedBy, digest }: ServerAnswer): boolean {
  const { "x-query": answered, "x-served-by": by } = headers;
  return status === 200 && answered === query && by === servedBy && digestOf(body) === digest;
}
