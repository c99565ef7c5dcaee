import { setTimeout as sleep } from "node:timers/promises";
import type { Journal } from "./journal.ts";
import type { Runtime } from "./runtime.ts";
import type { Visit } from "./schedule.ts";
import type { ChaosServer } from "./servers/server.ts";

const [RENEWED_EVERY_MS, EXPIRES_MS] = [500, 1_500];
/** What a busy machine may add to that. */
const ROOM_MS = 10_000;

/** A server that the configuration does not know: it comes, says now and then that it is still there, and leaves. */
export class Guest {
  readonly server: ChaosServer;
  readonly #runtime: Runtime;
  readonly #journal: Journal;
  /** Its visits, one after another. */
  #visits: Promise<void> = Promise.resolve();

  constructor(server: ChaosServer, runtime: Runtime, journal: Journal) {
    this.server = server;
    this.#runtime = runtime;
    this.#journal = journal;
  }

  visit(visit: Visit): Promise<void> {
    const done = this.#visits.then(() => this.#visit(visit));
    this.#visits = done.catch(() => {});
    return done;
  }

  async #visit({ renewals, leaves }: Visit): Promise<void> {
    await this.#register(false);
    for (let one = 0; one < renewals; one++) {
      await sleep(RENEWED_EVERY_MS);
      await this.#register(true);
    }
    if (leaves) await this.#leave();
    else await this.#untilForgotten();
  }

  async #register(renew: boolean): Promise<void> {
    const { url, workload } = this.server;
    const said = { url, slots: workload.slots, expires: `${EXPIRES_MS}ms`, renew };
    const { status, text } = await this.#ask("PUT", said);
    if (status !== 200 && status !== 201) throw new Error(`${status} ${text}`);
    if (status === 201) this.#journal.event(`${this.server.name} has registered`);
  }

  /** Where nothing is in flight any more, nothing is at work either. */
  async #leave(): Promise<void> {
    const { status, text } = await this.#ask("DELETE");
    const { name, workload } = this.server;
    this.#journal.event(`${name} leaves: ${status} ${text}`);
    if (status === 200 && workload.jobs > 0)
      this.#journal.break("drained", `${name} has left, and is at work`);
    // On a machine that stood still its time may have been up.
    if (![200, 202, 404].includes(status)) throw new Error(`${status} ${text}`);
  }

  async #untilForgotten(): Promise<void> {
    const { name } = this.server;
    const pool = this.#journal.settings.pool;
    for (const end = Date.now() + EXPIRES_MS + ROOM_MS; ; await sleep(50)) {
      const { servers } = await this.#runtime.through((sluice) => sluice.snapshot(pool));
      if (!servers.some((server) => server.name === name && server.registered)) break;
      if (Date.now() > end) throw new Error(`${name} is still there`);
    }
    this.#journal.event(`${name} is out`);
  }

  async #ask(method: string, body?: unknown): Promise<{ status: number; text: string }> {
    const path = `/api/pools/${this.#journal.settings.pool}/servers/${this.server.name}`;
    return this.#runtime.through(async (sluice) => {
      const response = await sluice.admin(method, path, body);
      return { status: response.status, text: await response.text() };
    });
  }
}
