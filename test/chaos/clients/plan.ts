import type { Settings } from "../pool.ts";
import type { Random } from "../random.ts";

/** What the client of a request does, beside waiting for its answer. */
interface Clients {
  stays: unknown;
  /** Through a Worker of its own, which gives up: what Cloudflare's edge tells of a client that closes. */
  leaves: { afterMs: number };
  /** Honest: pauses in the middle of its upload, never for as long as `client_timeout`. */
  "slow upload": { pauses: number; pauseMs: number };
  /** Sends so much of its body (from 0 to 1), and ends the connection. */
  "broken upload": { part: number; pauseMs: number; ending: "end" | "reset" | "garbage" };
  /** Sends so much, no more, and waits. */
  "stalled upload": { part: number };
  /** Honest: pauses while it reads a long answer. */
  "slow reader": { pauses: number; pauseMs: number };
  /** Pauses once, for longer than any client may. */
  "stalled reader": { pauseMs: number };
  WebSocket: { messages: number; closes: "client" | "server"; answerMs: number };
  /** Opens a WebSocket and never says a word. */
  "silent WebSocket": unknown;
  "bad handshake": { fault: HandshakeFault };
  /** Resets its connection so long after a server has got its handshake, and before that has accepted it. */
  "reset handshake": { afterMs: number };
}

/** The same of those whose request is to be stored (`Prefer: respond-async`). */
interface DeferringClients {
  /** Asks for the status until it has the answer, and may have the request forgotten then. */
  defers: { forgets: boolean };
  /** Never asks for anything. */
  "defers and leaves": unknown;
  /** Cancels so long after the 202. */
  "defers and cancels": { afterMs: number };
  /** Would rather have the answer itself, if that comes in time. */
  "defers and waits": { waitS: number };
  /**
   * Sends the same again with the same key, be the first answered or not, and may wait for the answer then; or something
   * else with that key.
   */
  "defers twice": { afterMs: number; waitS: number; otherBody: boolean };
}
export type DirectKind = keyof Clients;
type DeferringKind = keyof DeferringClients;
type AllClients = Clients & DeferringClients;
export type ClientKind = keyof AllClients;
export type ClientPlan = { [Kind in ClientKind]: { kind: Kind } & AllClients[Kind] }[ClientKind];
export type Client<Kind extends ClientKind> = Extract<ClientPlan, { kind: Kind }>;

const HANDSHAKE_FAULTS = ["no key", "a short key", "no version", "version 12", "POST"] as const;
export type HandshakeFault = (typeof HANDSHAKE_FAULTS)[number];

const WEIGHTS: Record<DirectKind, number> = {
  stays: 84.8,
  leaves: 8,
  "slow upload": 1.2,
  "broken upload": 1.2,
  "stalled upload": 0.4,
  "slow reader": 0.6,
  "stalled reader": 0.3,
  WebSocket: 2,
  "silent WebSocket": 0.2,
  "bad handshake": 0.8,
  "reset handshake": 0.5,
};
const DEFERRED_WEIGHTS: Record<DeferringKind, number> = {
  defers: 40,
  "defers and leaves": 20,
  "defers and cancels": 15,
  "defers and waits": 13,
  "defers twice": 12,
};

/** All but the most usual: each has to come in a run. */
export const CLIENT_KINDS = (
  [...Object.keys(WEIGHTS), ...Object.keys(DEFERRED_WEIGHTS)] as ClientKind[]
).filter((kind) => kind !== "stays");

const LONG_UPLOAD: [number, number] = [300_000, 600_000];
const SHORT_UPLOAD: [number, number] = [10_000, 60_000];
const SLOW_ANSWER_BYTES = 3_000_000;
/** More than all the buffers between a server and its client hold. */
const STALLED_ANSWER_BYTES = 32_000_000;
/** More than fits into one row of storage. */
const BODY_OF_ROWS: [number, number] = [550_000, 1_300_000];
const ANSWER_OF_ROWS_BYTES = 1_200_000;

/** What of a request its client decides. */
export interface Shape {
  method: string;
  /** Its headers say that it may be repeated, whatever its method. */
  hasKey?: boolean;
  /** `null`: it has no body. */
  bodyBytes: number | null;
  /** The body's length is not told beforehand. */
  chunked?: boolean;
  /** How long an answer it asks for; else the server decides. */
  answerBytes?: number;
  client: ClientPlan;
}

export function drawKind(random: Random, { without }: Settings): ClientKind {
  const drawn = random.weighted(WEIGHTS);
  return without.includes(drawn) ? "stays" : drawn;
}

/** `null`: the request is not to be stored. */
export function drawDeferring(random: Random, { without, deferredShare }: Settings): ClientKind | null {
  const drawn = random.chance(deferredShare) ? random.weighted(DEFERRED_WEIGHTS) : null;
  return drawn === null || without.includes("deferred") || without.includes(drawn) ? null : drawn;
}

export function drawShape(kind: ClientKind, draw: Random, settings: Settings): Shape {
  return SHAPES[kind](draw, settings);
}

type Draw = (draw: Random, settings: Settings) => Shape;

const SHAPES: Record<ClientKind, Draw> = {
  stays: (draw) => ({ ...plain(draw), client: { kind: "stays" } }),
  leaves: (draw) => ({
    ...plain(draw),
    client: { kind: "leaves", afterMs: draw.whole(0, draw.chance(0.5) ? 100 : 2_000) },
  }),
  "slow upload": (draw, settings) => ({
    ...upload(draw, LONG_UPLOAD),
    client: { kind: "slow upload", pauses: draw.whole(0, 4), pauseMs: patientMs(draw, settings) },
  }),
  "broken upload": (draw, settings) => {
    const shape = upload(draw, draw.chance(0.7) ? LONG_UPLOAD : SHORT_UPLOAD);
    const ending = draw.pick(
      shape.chunked ? (["end", "reset", "garbage"] as const) : (["end", "reset"] as const),
    );
    return {
      ...shape,
      client: { kind: "broken upload", part: someOf(draw), pauseMs: patientMs(draw, settings), ending },
    };
  },
  "stalled upload": (draw) => ({
    ...upload(draw, draw.chance(0.7) ? LONG_UPLOAD : SHORT_UPLOAD),
    client: { kind: "stalled upload", part: someOf(draw) },
  }),
  "slow reader": (draw, settings) => ({
    ...download(SLOW_ANSWER_BYTES),
    client: { kind: "slow reader", pauses: draw.whole(1, 4), pauseMs: patientMs(draw, settings) },
  }),
  "stalled reader": (draw, { clientTimeoutMs }) => ({
    ...download(STALLED_ANSWER_BYTES),
    client: { kind: "stalled reader", pauseMs: clientTimeoutMs + draw.whole(1_500, 3_000) },
  }),
  WebSocket: (draw) => ({
    ...handshake(),
    client: {
      kind: "WebSocket",
      messages: draw.whole(1, 5),
      closes: draw.pick(["client", "server"]),
      answerMs: draw.whole(0, 300),
    },
  }),
  "silent WebSocket": () => ({ ...handshake(), client: { kind: "silent WebSocket" } }),
  "bad handshake": (draw) => {
    const fault = draw.pick(HANDSHAKE_FAULTS);
    const method = fault === "POST" ? "POST" : "GET";
    return { ...handshake(), method, client: { kind: "bad handshake", fault } };
  },
  "reset handshake": (draw) => ({
    ...handshake(),
    client: { kind: "reset handshake", afterMs: draw.whole(0, 200) },
  }),
  defers: (draw) => ({ ...deferred(draw), client: { kind: "defers", forgets: draw.chance(0.2) } }),
  "defers and leaves": (draw) => ({ ...deferred(draw), client: { kind: "defers and leaves" } }),
  "defers and cancels": (draw) => ({
    ...deferred(draw),
    client: { kind: "defers and cancels", afterMs: draw.whole(0, draw.chance(0.5) ? 100 : 3_000) },
  }),
  "defers and waits": (draw) => ({
    ...deferred(draw),
    client: { kind: "defers and waits", waitS: draw.whole(1, 3) },
  }),
  "defers twice": (draw) => ({
    ...deferred(draw),
    method: "POST",
    hasKey: true,
    bodyBytes: draw.whole(1, 500),
    client: {
      kind: "defers twice",
      afterMs: draw.chance(0.5) ? 0 : draw.whole(0, 2_000),
      waitS: draw.chance(0.4) ? draw.whole(1, 3) : 0,
      otherBody: draw.chance(0.2),
    },
  }),
};

/** Its client may be gone for Sluice before its server is done. */
export function mayLeave({ kind }: ClientPlan): boolean {
  return !HONEST.has(kind);
}

/** No server may ever take it for whole. */
export function neverWhole({ kind }: ClientPlan): boolean {
  return kind === "broken upload" || kind === "stalled upload";
}

/** It asks for a WebSocket, rightly or not. */
export function isHandshake({ kind }: ClientPlan): boolean {
  return /WebSocket|handshake/.test(kind);
}

/** What it would have Sluice do with the request. */
export function preferences(client: ClientPlan): { Prefer?: string } {
  if (!isDeferring(client)) return {};
  const waitS = client.kind === "defers and waits" ? client.waitS : 0;
  return { Prefer: preferring(waitS) };
}

export function preferring(waitS: number): string {
  return waitS === 0 ? "respond-async" : `respond-async, wait=${waitS}`;
}

/** It sends all that it has to say at once. */
export function isPlain({ kind }: ClientPlan): boolean {
  return kind === "stays" || kind === "leaves";
}

/** Its request is to be stored. */
export function isDeferring({ kind }: { kind: ClientKind }): boolean {
  return kind in DEFERRED_WEIGHTS;
}

const HONEST = new Set<ClientKind>([
  "stays",
  "slow upload",
  "slow reader",
  "WebSocket",
  "defers",
  "defers and leaves",
  "defers and waits",
  "defers twice",
]);

const METHODS = { GET: 45, PUT: 10, POST: 30, "POST with key": 15 };

function plain(draw: Random): Omit<Shape, "client"> {
  const kind = draw.weighted(METHODS);
  return {
    method: kind === "POST with key" ? "POST" : kind,
    hasKey: kind === "POST with key",
    bodyBytes: kind === "GET" ? null : draw.chance(0.15) ? 100_000 : draw.whole(1, 500),
  };
}

function upload(draw: Random, bytes: [number, number]): Omit<Shape, "client"> {
  return {
    method: draw.pick(["PUT", "POST"]),
    bodyBytes: draw.whole(...bytes),
    chunked: draw.chance(0.5),
  };
}

function deferred(draw: Random): Omit<Shape, "client"> {
  const shape = plain(draw);
  const isLong = draw.chance(0.15);
  return {
    ...shape,
    ...(shape.bodyBytes !== null && isLong ? { bodyBytes: draw.whole(...BODY_OF_ROWS) } : {}),
    chunked: draw.chance(0.3),
    ...(draw.chance(0.05) ? { answerBytes: ANSWER_OF_ROWS_BYTES } : {}),
  };
}

const download = (answerBytes: number) => ({ method: "GET", bodyBytes: null, answerBytes });
const handshake = () => ({ method: "GET", bodyBytes: null });

const someOf = (draw: Random) => 0.1 + 0.85 * draw.next();

/** A pause that nobody may take for a client that is gone, on a busy machine either. */
const patientMs = (draw: Random, { clientTimeoutMs }: Settings) => draw.whole(0, 0.3 * clientTimeoutMs);
