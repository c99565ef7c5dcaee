import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import type { AdminClient, ServerPatch } from "../client/admin-client.ts";
import { StateChanged } from "../client/failures.ts";
import { keepTrying } from "../client/keep-trying.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import type { Signals, Stop } from "../process/signals.ts";
import { isClosed } from "./closed-slots.ts";
import type { RollProgress } from "./roll-progress.ts";

const ASK_EVERY_MS = 300;
/** An idle pool ends its health checks after a minute. Any change of a server, even an empty one, restarts them. */
const WAKE_CHECKS_EVERY_MS = 20_000;

type Outages = Pick<RollProgress, "unreachable" | "reached">;

/** The server that a roll is at: taken out of the pool by `state: "drain"`, and put back. */
export class RollServer {
  readonly name: string;
  readonly #client: AdminClient;
  readonly #pool: string;
  readonly #owner: string;
  readonly #cutMs: number | undefined;
  readonly #signals: Signals;
  readonly #outages: Outages;
  #mayBeOut = false;

  /** `owner`: of this roll alone. */
  constructor(
    client: AdminClient,
    { pool, name, owner, cutMs }: { pool: string; name: string; owner: string; cutMs?: number | undefined },
    signals: Signals,
    outages: Outages,
  ) {
    this.name = name;
    this.#client = client;
    this.#pool = pool;
    this.#owner = owner;
    this.#cutMs = cutMs;
    this.#signals = signals;
    this.#outages = outages;
  }

  /** True if the server may have to be put back: a request without an answer may have arrived. */
  get mayBeOut(): boolean {
    return this.#mayBeOut;
  }

  /** Resolves once the server takes no requests, and has none in flight or they were cut off. `null`: not in time. */
  async takeOut(
    timeoutMs: number,
    onWait: (server: ServerSnapshot, leftMs: number) => void,
  ): Promise<ServerSnapshot | null> {
    const giveUpAt = Date.now() + timeoutMs;
    let snapshot = await this.#drain(giveUpAt);
    for (;;) {
      this.#signals.stop.throwIfAborted();
      const server = this.#stillOut(snapshot.servers);
      const leftMs = giveUpAt - Date.now();
      if (server.inFlight === 0 || server.cut?.done) return server;
      if (leftMs <= 0) return null;
      onWait(server, leftMs);
      snapshot = await this.#later(giveUpAt);
    }
  }

  /** Rejects with `StateChanged` if another roll, or an operator, was faster. */
  async #drain(giveUpAt: number): Promise<Snapshot> {
    this.#mayBeOut = true;
    const cut = this.#cutMs === undefined ? {} : { cut: `${this.#cutMs}ms` };
    const patch = { state: "drain", ifState: "ready", owner: this.#owner, ...cut } as const;
    try {
      return await this.#change(patch, this.#stop, giveUpAt);
    } catch (error) {
      if (error instanceof StateChanged) this.#mayBeOut = false;
      throw error;
    }
  }

  /**
   * Resolves with `true` after a health check that was made, and passed, after this call; at once in a pool without
   * health checks. `false`: not in time. The time does not run while all slots of the server are in quarantine, as after
   * a cut: nobody checks it then. `onWait` gets what the last check got that failed, if one was made after this call.
   */
  async whenUp(
    timeoutMs: number,
    onWait: (server: ServerSnapshot, leftMs: number, got: string | null) => void,
  ): Promise<boolean> {
    let giveUpAt = Date.now() + timeoutMs;
    let snapshot = await this.#change({}, this.#stop, giveUpAt);
    const before = this.#stillOut(snapshot.servers).lastCheck?.at ?? "";
    for (let wakeAt = Date.now() + WAKE_CHECKS_EVERY_MS; ; ) {
      const server = this.#stillOut(snapshot.servers);
      if (!snapshot.checks) return true;
      const { lastCheck, health } = server;
      const made = lastCheck && lastCheck.at > before ? lastCheck : null;
      if (health === "up" && made?.passed) return true;
      if (isClosed(server)) giveUpAt = Math.max(giveUpAt, Date.now() + timeoutMs);
      const leftMs = giveUpAt - Date.now();
      if (leftMs <= 0) return false;
      onWait(server, leftMs, made && !made.passed ? made.got : null);
      snapshot = await this.#later(giveUpAt);
      if (Date.now() < wakeAt) continue;
      snapshot = await this.#change({}, this.#stop, giveUpAt);
      wakeAt = Date.now() + WAKE_CHECKS_EVERY_MS;
    }
  }

  /** Sets the server to `ready`. Rejects if somebody else has changed its state. */
  async putBack(leave: Stop, giveUpAt: number): Promise<void> {
    const { servers } = await this.#look(leave, giveUpAt);
    const isReady = servers.some(({ name, state }) => name === this.name && state === "ready");
    if (!isReady) {
      this.#stillOut(servers);
      await this.#change({ state: "ready" }, leave, giveUpAt);
    }
    this.#mayBeOut = false;
  }

  /** The pool's snapshot. */
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
      onTrouble: (error) => this.#outages.unreachable(error),
      onReached: () => this.#outages.reached(),
    });
  }

  #stillOut(servers: readonly ServerSnapshot[]): ServerSnapshot {
    const server = servers.find(({ name }) => name === this.name);
    if (server?.state === "drain" && server.stateOwner === this.#owner) return server;
    this.#mayBeOut = false;
    const now = server ? `is ${server.state} now` : "has left the pool";
    throw new CliError(EXIT.held, `${this.name} ${now}: somebody else changed it, and it is left so`);
  }
}
