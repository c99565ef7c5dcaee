import { isName } from "../../config/names.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { printable } from "../terminal/output.ts";
import { MissingRight } from "./missing-right.ts";
import type { Target } from "./target.ts";
import { UnknownName } from "./unknown-name.ts";

/** No answer of Sluice's: a failed connection, or the error of a proxy. Another attempt may succeed. */
export class Unreachable extends CliError {
  /** True if no connection was made, so that the request had no effect. */
  readonly notSent: boolean;

  constructor(message: string, notSent = false) {
    super(EXIT.unreachable, message);
    this.notSent = notSent;
  }
}

/** Another owner holds the pool's drain. */
export class DrainHeld extends CliError {
  readonly drain: Snapshot["drain"];

  constructor(message: string, drain: Snapshot["drain"]) {
    super(EXIT.held, message);
    this.drain = drain;
  }
}

/** The server is not in the state `ifState`. */
export class StateChanged extends CliError {
  constructor(message: string) {
    super(EXIT.held, message);
  }
}

const EXIT_OF: Record<string, number> = {
  unauthorized: EXIT.unauthorised,
  forbidden: EXIT.unauthorised,
  "admin-disabled": EXIT.unauthorised,
  "already-ended": EXIT.usage,
  "not-failed": EXIT.usage,
  "invalid-request": EXIT.usage,
  "registration-refused": EXIT.unauthorised,
  "server-known": EXIT.held,
  // Another attempt may succeed, as where nobody answers.
  "deferred-full": EXIT.unreachable,
  "flow-queue-full": EXIT.unreachable,
  "no-server": EXIT.unreachable,
  "registration-full": EXIT.unreachable,
};

const UNKNOWN_TOKEN =
  "Sluice does not know this token: check SLUICE_TOKEN. It is the Worker's ADMIN_TOKEN, or one of its ADMIN_TOKENS.";
const UNKNOWN_SERVICE =
  "Sluice does not go by Cloudflare Access here: check its variable ACCESS, or set SLUICE_TOKEN too.";

/** Where Cloudflare Access sends whom it does not know. */
const ACCESS_LOGIN = /^https:\/\/(?:[a-z0-9-]+\.)+cloudflareaccess\.com\//i;
const BEHIND_ACCESS =
  "is behind Cloudflare Access, which does not know you: set SLUICE_ACCESS_ID and SLUICE_ACCESS_SECRET to a service token " +
  "that its application lets in.";

/** Statuses of a proxy, such as Cloudflare's, that has not reached the server behind it. */
const ON_THE_WAY = new Set([502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 530]);
/** Error codes of a connection that was not made, or whose certificate was refused. */
const NOT_SENT = [
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/,
  /^(ERR_TLS_CERT_|CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$)/,
];

interface Head {
  ok: boolean;
  status: number;
  headers: { get(name: string): string | null };
}

/** The subject of a request; without a pool, all pools. */
export interface Subject {
  pool?: string;
  server?: string;
  /** The server registers, or leaves. */
  isRegistering?: boolean;
  /** The id of one of its deferred requests. */
  request?: string;
  /** The list of its deferred requests. */
  isList?: boolean;
  /** What operators have done. */
  isAudit?: boolean;
  /** What whoever asks may do, there and elsewhere. */
  isMe?: boolean;
}

/** The error that an answer stands for; `null`: a success. `body`: its JSON; `null`: not JSON. */
export function failureOf(head: Head, body: unknown, target: Target, subject: Subject): CliError | null {
  const { status, headers } = head;
  const { url } = target;
  const problem = problemOf(body);
  if (problem) {
    const { code, pool, drain, right } = problem;
    const detail = printable(code === "invalid-request" ? asOptions(problem.detail) : problem.detail);
    const about = pool ? `pool ${printable(pool)}: ` : "";
    if (code === "drain-held") return new DrainHeld(`${about}${detail}`, drain ?? null);
    if (code === "state-changed") return new StateChanged(`${about}${detail}`);
    if (code === "pool-unavailable") return new Unreachable(`${about}${detail}`);
    if (code === "forbidden" && right !== undefined)
      return new MissingRight(clause(detail), right, subject.pool ?? null);
    const unknown = unknownIn(code, subject);
    if (unknown) return unknown;
    const exitCode = EXIT_OF[code];
    const stranger = target.token === "" ? UNKNOWN_SERVICE : UNKNOWN_TOKEN;
    const words = code === "unauthorized" ? stranger : `${about}${detail}`;
    if (exitCode !== undefined) return new CliError(exitCode, words);
    return new CliError(EXIT.unexpected, `Sluice answered ${status} ${printable(code)}: ${detail}`);
  }
  if (status >= 300 && status < 400) {
    const to = printable(headers.get("location") ?? "nowhere");
    if (ACCESS_LOGIN.test(to)) return new CliError(EXIT.unauthorised, `${url} ${BEHIND_ACCESS}`);
    return new CliError(EXIT.unexpected, `${url} redirects to ${to}: set SLUICE_URL to where Sluice is.`);
  }
  if (ON_THE_WAY.has(status)) return new Unreachable(`${url} answered ${status}, not by Sluice.`);
  if (head.ok && isAnswer(head, body, subject)) return null;
  const type = printable(headers.get("content-type") ?? "nothing");
  return new CliError(
    EXIT.unexpected,
    `${url} answered ${status} with ${type}, which is not Sluice's admin side: check SLUICE_URL.`,
  );
}

/** The error for a name or an id that nothing can have; in a path it could lead to another route. */
export function impossibleName(subject: Subject): CliError | null {
  const { pool = "pool", server = "server", request } = subject;
  if (pool === "" || server === "") {
    return new CliError(EXIT.usage, `The name of the ${pool === "" ? "pool" : "server"} is empty.`);
  }
  if (!isName(pool)) return new UnknownName(null, pool);
  if (!isName(server)) return new UnknownName(pool, server);
  return request === undefined || /^[\da-f]{96}$/.test(request) ? null : unknownRequest(pool);
}

function unknownIn(code: string, { pool = "", server = "", isRegistering }: Subject): CliError | null {
  if (code === "unknown-pool") return new UnknownName(null, pool);
  if (code === "unknown-server") return new UnknownName(pool, server, isRegistering);
  return code === "unknown-request" ? unknownRequest(pool) : null;
}

/** Without the id, which is the key to the answer and may end up in the log of a CI job. */
function unknownRequest(pool: string): CliError {
  const words = `${printable(pool)} has no such deferred request; it may have been forgotten after its end.`;
  return new CliError(EXIT.usage, words);
}

/** The message without the pool, for a sentence that has named it. */
export function inPool(pool: string, message: string): string {
  const about = `pool ${printable(pool)}: `;
  return message.startsWith(about) ? message.slice(about.length) : message;
}

/** The message without its full stop, for a sentence that goes on. */
export function clause(message: string): string {
  return message.replace(/\.$/, "");
}

/** `--expires` for `body.expires`, as the user has typed it. */
function asOptions(detail: string): string {
  return detail.replace(/\b(body|query)\.(?=\w+: )/g, "--");
}

/** From an error of `fetch`, whose cause has the message. */
export function unreachable(url: string, error: unknown): Unreachable {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const words = cause instanceof Error ? cause.message || code : String(cause);
  return new Unreachable(
    `${url} cannot be reached: ${printable(words)}`,
    NOT_SENT.some((codes) => codes.test(code)),
  );
}

/**
 * True for what was asked for: the pool's snapshot, a list of snapshots for all pools, a list of changes or of its
 * deferred requests, what becomes of one of these or of a server that registers, or what whoever asks may do.
 */
function isAnswer({ status, headers }: Head, body: unknown, subject: Subject): boolean {
  const { pool, server, request, isList, isAudit, isMe, isRegistering } = subject;
  const { name, inFlight, servers, pools, unreachable, requests, changes, id } = (body ?? {}) as Record<
    string,
    unknown
  >;
  if (isAudit) return Array.isArray(changes) && Array.isArray(unreachable);
  if (isMe) return typeof name === "string" && Object.values(pools ?? [null]).every(Array.isArray);
  if (isRegistering) return name === server && typeof inFlight === "number";
  if (pool === undefined) return Array.isArray(pools) && Array.isArray(unreachable);
  if (isList) return Array.isArray(requests);
  if (request !== undefined) return status === 204 ? isOwn(headers) : id === request;
  return name === pool && Array.isArray(servers);
}

/** Tells an answer without a body from that of any other server: all of Sluice's own have this header. */
function isOwn(headers: Head["headers"]): boolean {
  return headers.get("content-security-policy")?.startsWith("default-src 'none'") ?? false;
}

interface Problem {
  code: string;
  detail: string;
  pool?: string;
  drain?: Snapshot["drain"];
  right?: string;
}

function problemOf(body: unknown): Problem | null {
  const { code, detail } = (body ?? {}) as Partial<Problem>;
  return typeof code === "string" && typeof detail === "string" ? (body as Problem) : null;
}
