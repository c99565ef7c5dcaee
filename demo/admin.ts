import type { Snapshot } from "../src/scheduler/snapshot.ts";

/** One pool's admin side. Rejects whatever is not a success. */
export class Admin {
  readonly #url: string;
  readonly #token: string;

  constructor(origin: string, pool: string, token: string) {
    this.#url = `${origin}/_sluice/api/pools/${pool}`;
    this.#token = token;
  }

  snapshot(): Promise<Snapshot> {
    return this.#call("GET", "");
  }

  drain(body: { wait?: string; owner?: string; reason?: string }): Promise<Snapshot> {
    return this.#call("POST", "/drain", body);
  }

  resume(body: { owner?: string; force?: boolean }): Promise<Snapshot> {
    return this.#call("POST", "/resume", body);
  }

  async #call(method: string, path: string, body?: object): Promise<Snapshot> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { Authorization: `Bearer ${this.#token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Snapshot;
  }
}
