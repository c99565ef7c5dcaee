import type { RequestStatus } from "../../src/requests/request-status.ts";
import { type Answer, type Call, send } from "../support/client.ts";

const ASYNC = { Prefer: "respond-async" };

/** A client that asks for its requests to be stored, and looks after them. */
export class Deferrer {
  readonly #sluice: () => { url: string };
  /** By the id of a request: the host that was asked. */
  readonly #hosts = new Map<string, string>();

  /** `sluice`: the one that there is at the moment. */
  constructor(sluice: () => { url: string }) {
    this.#sluice = sluice;
  }

  /** Sends a POST that asks to be stored, unless `call` says otherwise. */
  send(path: string, call: Omit<Call, "path"> = {}): Promise<Answer> {
    return this.#send({ method: "POST", ...call, path, headers: { ...ASYNC, ...call.headers } });
  }

  /** The same; resolves with the id once it is accepted. */
  async defer(path: string, call: Omit<Call, "path"> = {}): Promise<string> {
    return this.accepted(await this.send(path, call));
  }

  /** The id of a request that is accepted by this answer. It is looked for at the host that was asked. */
  accepted({ status, headers, body }: Answer): string {
    if (status !== 202) throw new Error(`${status}: ${body}`);
    const { id } = JSON.parse(String(body));
    this.#hosts.set(id, new URL(String(headers.location)).host);
    return id;
  }

  async status(id: string, headers: Record<string, string> = {}): Promise<RequestStatus> {
    const { status, body } = await this.get(id, "", headers);
    if (status !== 200) throw new Error(`${status}: ${body}`);
    return JSON.parse(String(body));
  }

  /** Resolves with the status once the request has ended. */
  async ended(id: string): Promise<RequestStatus> {
    for (;;) {
      const status = await this.status(id, { Prefer: "wait=10" });
      if (status.endedAt !== null) return status;
    }
  }

  /** Resolves with the status once the request is in this state. */
  async until(id: string, state: RequestStatus["state"]): Promise<RequestStatus> {
    for (let status = await this.status(id); ; status = await this.status(id, { Prefer: "wait=10" })) {
      if (status.state === state) return status;
      if (status.endedAt !== null) throw new Error(`it is ${status.state}, and will never be ${state}`);
    }
  }

  response(id: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.get(id, "/response", headers);
  }

  cancel(id: string, host?: string): Promise<Answer> {
    const headers = host ? { Host: host } : this.#hostOf(id);
    return this.#send({ method: "DELETE", path: `/_sluice/requests/${id}`, headers });
  }

  get(id: string, view = "", headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send({
      path: `/_sluice/requests/${id}${view}`,
      headers: { ...this.#hostOf(id), ...headers },
    });
  }

  #hostOf(id: string): { Host?: string } {
    const host = this.#hosts.get(id);
    return host === undefined ? {} : { Host: host };
  }

  #send(call: Call): Promise<Answer> {
    return send(this.#sluice().url, call);
  }
}

/** Works on `items`, at most `atOnce` at a time, and returns the results in their order. */
export async function inTurns<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(items[index] as T, index);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
