import type { PoolConfig } from "../config/types.ts";
import type { Act } from "../link/act.ts";
import {
  drainAsked,
  registrationAsked,
  removalAsked,
  resumeAsked,
  serverAsked,
  slotAsked,
  stopAsked,
} from "../link/asked.ts";
import type {
  DrainAnswer,
  DrainRequest,
  Leaving,
  NotRegistered,
  OtherState,
  Registered,
  Registration,
  ResumeRequest,
  ServerChange,
  StopRequest,
} from "../link/protocol.ts";
import type { Server } from "../scheduler/fleet/server.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { serverSnapshot } from "../scheduler/snapshot.ts";
import { isInFlight } from "../scheduler/terms/rows.ts";
import type { Audit } from "./audit.ts";
import { notRegistered, registerRequest, registrationRefusal } from "./registration.ts";

/** What operators may have a pool do, each act noted for the audit. It is durable once the pool has committed it. */
export class OperatorActs {
  readonly #env: object;
  readonly #settings: PoolConfig;
  readonly #scheduler: Scheduler;
  readonly #audit: Audit;

  constructor(env: object, settings: PoolConfig, scheduler: Scheduler, audit: Audit) {
    this.#env = env;
    this.#settings = settings;
    this.#scheduler = scheduler;
    this.#audit = audit;
  }

  drain(request: DrainRequest, act: Act): DrainAnswer["answer"] {
    const { owner, reason, extend } = request;
    return this.#audit.once(drainAsked(request), act, (now) => {
      const drain = { owner, by: act.by, reason, extend, ...endsOf(request, now) };
      if (!this.#scheduler.drain(drain, now)) return "drain-held";
      return this.#scheduler.currentDrain ? "done" : "nothing";
    });
  }

  stop(request: StopRequest, act: Act): DrainAnswer["answer"] {
    const { owner, message } = request;
    return this.#audit.once(stopAsked(request), act, (now) => {
      const stop = { owner, by: act.by, reason: null, stop: { message }, ...endsOf(request, now) };
      return this.#scheduler.drain(stop, now) ? "done" : "drain-held";
    });
  }

  resume(request: ResumeRequest, act: Act): DrainAnswer["answer"] {
    return this.#audit.once(resumeAsked(request), act, (now) => {
      const isOn = this.#scheduler.currentDrain !== null;
      const isFree = this.#scheduler.resume({ ...request, by: act.by }, now);
      // The Worker knows whether one who asks for force may end somebody else's.
      if (!isFree) return request.force === "own" ? "forbidden" : "drain-held";
      return isOn ? "done" : "nothing";
    });
  }

  changeServer(name: string, change: ServerChange, act: Act): "done" | OtherState | null {
    const { patch, ifState } = change;
    const server = this.#scheduler.servers.find((one) => one.name === name && !one.retired);
    const answer = this.#audit.once(serverAsked(name, change), act, (now) => {
      if (!server) return "unknown-server";
      if (!server.allows(patch, ifState)) return "state-changed";
      this.#scheduler.changeServer(name, patch, act.by, now);
      return "done";
    });
    if (answer === "done") return answer;
    return server && answer === "state-changed" ? { otherState: server.state } : null;
  }

  register(registration: Registration, act: Act): Registered | NotRegistered {
    const result = this.#register(registration, act.by);
    const answer = "refused" in result ? result.refused : result.answer;
    // That a server goes on as it was is nothing to look up.
    if (answer !== "renewed" && this.#audit.answerOf(act) === undefined) {
      const isDone = answer === "new" || answer === "changed";
      this.#audit.note(registrationAsked(registration), isDone ? "done" : answer, act, Date.now());
    }
    return result;
  }

  deregister(name: string, url: string | null, act: Act): Leaving | null {
    // Whose name another one has by now is found by its URL.
    const isMeant = (one: Server) => (url === null ? one.name === name : one.url === url);
    const leaving = () =>
      this.#scheduler.servers.find((one) => one.retired && one.registration && isMeant(one));
    const answer = this.#audit.once(removalAsked(name, url), act, (now) =>
      this.#scheduler.deregister(name, url, act.by, now) || leaving() ? "done" : "unknown-server",
    );
    if (answer === "unknown-server") return null;
    const server = leaving();
    return { identity: server?.identity ?? null, inFlight: inFlightAt(server) };
  }

  freeLease(id: string, act: Act): "done" | "unknown-lease" {
    const server = this.#scheduler.serverOf(id);
    const asked = { ...slotAsked(id), ...(server === null ? {} : { server }) };
    return this.#audit.once(asked, act, (now) =>
      this.#scheduler.freeLease(id, act.by, now) ? "done" : "unknown-lease",
    );
  }

  #register(registration: Registration, by: string): Registered | NotRegistered {
    const now = Date.now();
    const request = registerRequest(registration, this.#settings, by, now);
    const refusal = registrationRefusal(this.#env, this.#settings, request);
    if (refusal) return refusal;
    const answer = this.#scheduler.register(request, now);
    const { servers } = this.#scheduler;
    const server = servers.find(({ identity, retired }) => identity === request.identity && !retired);
    const isIn = answer !== "known" && answer !== "full";
    if (!isIn || !server) return notRegistered(this.#settings, servers, request, isIn ? "known" : answer);
    return { answer, server: serverSnapshot(server, now) };
  }
}

/** How many requests of ours a server may be at work on; 0 if it is gone. */
export function inFlightAt(server: Server | undefined): number {
  return server ? [...server.occupiedSlots()].filter(isInFlight).length : 0;
}

/** When a drain or a stop ends by itself, and when it cuts off what is still held; ms since the epoch. */
function endsOf(
  { expiresMs, cutMs }: Pick<DrainRequest, "expiresMs" | "cutMs">,
  now: number,
): { expiresAt: number | null; cutAt?: number } {
  const expiresAt = expiresMs === null ? null : now + expiresMs;
  return cutMs === undefined ? { expiresAt } : { expiresAt, cutAt: now + cutMs };
}
