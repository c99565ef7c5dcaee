import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import type { AdminClient, ServerPatch } from "../client/admin-client.ts";
import { StateChanged } from "../client/failures.ts";
import { keepTrying, type Trying } from "../client/keep-trying.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import type { Signals, Stop } from "../process/signals.ts";

const ASK_EVERY_MS = 300;
/** An idle pool ends its health checks after a minute; a change of a server, even of nothing, wakes them. */
const WAKE_CHECKS_EVERY_MS = 20_000;

export type RollTrying = Pick<Trying, "onTrouble" | "onReached">;

/** One server that a roll takes out of its pool, and puts back. */
export class RolledServer {
  readonly name: string;
  readonly #client: AdminClient;
  readonly #pool: string;
  readonly #owner: string;
  readonly #signals: Signals;
  readonly #trying: RollTrying;
  #mayBeOut = false;

  /** `owner` is the roll, by a name that nobody else has. */
  constructor(
    client: AdminClient,
    { pool, name, owner }: { pool: string; name: string; owner: string },
    signals: Signals,
    trying: RollTrying,
  ) {
    this.name = name;
    this.#client = client;
    this.#pool = pool;
    this.#owner = owner;
    this.#signals = signals;
    this.#trying = trying;
  }

  /** As far as we know there may be something to put back: a request that got no answer may have arrived. */
  get mayBeOut(): boolean {
    return this.#mayBeOut;
  }

  /** No new request goes there. Resolves when none is in flight; `false`: not in time. */
  async takeOut(
    timeoutMs: number,
    onWait: (server: ServerSnapshot, leftMs: number) => void,
  ): Promise<boolean> {
    const giveUpAt = Date.now() + timeoutMs;
    let snapshot = await this.#take(giveUpAt);
    for (;;) {
      this.#signals.stop.throwIfAborted();
      const server = this.#stillOut(snapshot.servers);
      const leftMs = giveUpAt - Date.now();
      if (server.inFlight === 0) return true;
      if (leftMs <= 0) return false;
      onWait(server, leftMs);
      snapshot = await this.#later(giveUpAt);
    }
  }

  /** Rejects if another roll, or an operator, was faster. */
  async #take(giveUpAt: number): Promise<Snapshot> {
    this.#mayBeOut = true;
    const patch = { state: "drain", ifState: "ready", owner: this.#owner } as const;
    try {
      return await this.#change(patch, this.#stop, giveUpAt);
    } catch (error) {
      if (error instanceof StateChanged) this.#mayBeOut = false;
      throw error;
    }
  }

  /**
   * Resolves when the server is known to be up again: by a health check that was made after this call. Without
   * health checks nobody can know, and it is taken to be. `false`: not in time.
   */
  async whenUp(
    timeoutMs: number,
    onWait: (server: ServerSnapshot, leftMs: number) => void,
  ): Promise<boolean> {
    const giveUpAt = Date.now() + timeoutMs;
    let snapshot = await this.#change({}, this.#stop, giveUpAt);
    const before = this.#stillOut(snapshot.servers).lastCheck?.at ?? "";
    for (let wakeAt = Date.now() + WAKE_CHECKS_EVERY_MS; ; ) {
      const server = this.#stillOut(snapshot.servers);
      if (!snapshot.checks) return true;
      const { lastCheck, health } = server;
      if (health === "up" && lastCheck?.passed && lastCheck.at > before) return true;
      const leftMs = giveUpAt - Date.now();
      if (leftMs <= 0) return false;
      onWait(server, leftMs);
      snapshot = await this.#later(giveUpAt);
      if (Date.now() < wakeAt) continue;
      snapshot = await this.#change({}, this.#stop, giveUpAt);
      wakeAt = Date.now() + WAKE_CHECKS_EVERY_MS;
    }
  }

  /** It takes requests again, unless somebody else has changed its state meanwhile. */
  async putBack(leave: Stop, giveUpAt: number): Promise<void> {
    const { servers } = await this.#look(leave, giveUpAt);
    const inAlready = servers.some(({ name, state }) => name === this.name && state === "ready");
    if (!inAlready) {
      this.#stillOut(servers);
      await this.#change({ state: "ready" }, leave, giveUpAt);
    }
    this.#mayBeOut = false;
  }

  /** How its pool is now. */
  look(giveUpAt: number): Promise<Snapshot> {
    const { stop } = this.#signals;
    return this.#look({ now: stop, soon: stop }, giveUpAt);
  }

  get #stop(): Stop {
    const { stop, stopSoon } = this.#signals;
    return { now: stop, soon: stopSoon };
  }

  #change(patch: ServerPatch, stop: Stop, giveUpAt: number): Promise<Snapshot> {
    const ask = () => this.#client.changeServer(this.#pool, this.name, patch, stop.soon);
    return this.#keepTrying(ask, stop.now, giveUpAt);
  }

  async #later(giveUpAt: number): Promise<Snapshot> {
    await this.#signals.sleep(ASK_EVERY_MS);
    return this.look(giveUpAt);
  }

  #look(stop: Stop, giveUpAt: number): Promise<Snapshot> {
    const ask = () => this.#client.pool(this.#pool, stop.soon);
    return this.#keepTrying(ask, stop.now, giveUpAt);
  }

  #keepTrying<T>(ask: () => Promise<T>, stop: AbortSignal, giveUpAt: number): Promise<T> {
    return keepTrying(ask, {
      giveUpAt: () => giveUpAt,
      stop,
      onTrouble: (error) => this.#trying.onTrouble(error),
      onReached: () => this.#trying.onReached(),
    });
  }

  #stillOut(servers: readonly ServerSnapshot[]): ServerSnapshot {
    const server = servers.find(({ name }) => name === this.name);
    if (server?.state === "drain" && server.stateOwner === this.#owner) return server;
    this.#mayBeOut = false;
    const now = server ? `is ${server.state} now` : "has left the configuration";
    throw new CliError(EXIT.held, `${this.name} ${now}: somebody else changed it, and it is left so`);
  }
}
