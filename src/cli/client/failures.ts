import { isName } from "../../config/names.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { printable, quoted } from "../terminal/printable.ts";

/** Nobody answered, or somebody on the way did in Sluice's place: another try may help. */
export class Unreachable extends CliError {
  /** The request never left this machine, or nobody took it: it has done nothing. */
  readonly notSent: boolean;

  constructor(message: string, notSent = false) {
    super(EXIT.unreachable, message);
    this.notSent = notSent;
  }
}

/** The pool is drained by somebody else. */
export class DrainHeld extends CliError {
  readonly drain: Snapshot["drain"];

  constructor(message: string, drain: Snapshot["drain"]) {
    super(EXIT.held, message);
    this.drain = drain;
  }
}

/** The server is not in the state in which it was to be changed. */
export class StateChanged extends CliError {
  constructor(message: string) {
    super(EXIT.held, message);
  }
}

const EXIT_OF: Record<string, number> = {
  unauthorized: EXIT.unauthorised,
  forbidden: EXIT.unauthorised,
  "admin-disabled": EXIT.unauthorised,
  "unknown-pool": EXIT.usage,
  "unknown-server": EXIT.usage,
  "invalid-request": EXIT.usage,
};

const ADVICE: Record<string, string> = {
  unauthorized: "The token is not the Worker's ADMIN_TOKEN: check SLUICE_TOKEN.",
};

/** Statuses by which proxies, Cloudflare's included, say that they did not reach whom they stand for. */
const ON_THE_WAY = new Set([502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 530]);
/** No connection came about, or to somebody who cannot prove who he is. */
const NOT_SENT = [
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/,
  /^(ERR_TLS_CERT_|CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$)/,
];

interface Head {
  ok: boolean;
  status: number;
  headers: { get(name: string): string | null };
}

/** What a question was about; without a pool, all of them. */
export interface Asked {
  pool?: string;
  server?: string;
}

/** What an answer says that is not what was asked for; `null` when it is. `body` is its JSON, or `null`. */
export function failureOf(
  { ok, status, headers }: Head,
  body: unknown,
  url: string,
  asked: Asked,
): CliError | null {
  const problem = problemOf(body);
  if (problem) {
    const { code, pool, drain } = problem;
    const detail = printable(code === "invalid-request" ? asOptions(problem.detail) : problem.detail);
    const about = pool ? `pool ${printable(pool)}: ` : "";
    if (code === "drain-held") return new DrainHeld(`${about}${detail}`, drain ?? null);
    if (code === "state-changed") return new StateChanged(`${about}${detail}`);
    if (code === "pool-unavailable") return new Unreachable(`${about}${detail}`);
    const exitCode = EXIT_OF[code];
    const words = missing(code, asked) ?? ADVICE[code] ?? `${about}${detail}`;
    if (exitCode !== undefined) return new CliError(exitCode, words);
    return new CliError(EXIT.unexpected, `Sluice answered ${status} ${printable(code)}: ${detail}`);
  }
  if (status >= 300 && status < 400) {
    const to = printable(headers.get("location") ?? "nowhere");
    return new CliError(EXIT.unexpected, `${url} redirects to ${to}: set SLUICE_URL to where Sluice is.`);
  }
  if (ON_THE_WAY.has(status)) return new Unreachable(`${url} answered ${status}, not by Sluice.`);
  if (ok && isAnswer(body, asked)) return null;
  const type = printable(headers.get("content-type") ?? "nothing");
  return new CliError(
    EXIT.unexpected,
    `${url} answered ${status} with ${type}, which is not Sluice's admin side: check SLUICE_URL.`,
  );
}

/** A name that nobody can have is not asked for: in a path it would lead somewhere else. */
export function impossible(asked: Asked): CliError | null {
  const { pool = "pool", server = "server" } = asked;
  if (pool === "" || server === "") {
    return new CliError(EXIT.usage, `The name of the ${pool === "" ? "pool" : "server"} is empty.`);
  }
  if (isName(pool) && isName(server)) return null;
  const code = isName(pool) ? "unknown-server" : "unknown-pool";
  return new CliError(EXIT.usage, missing(code, asked) ?? code);
}

function missing(code: string, { pool = "", server = "" }: Asked): string | undefined {
  if (code === "unknown-pool") return `There is no pool ${quoted(pool)}.`;
  if (code === "unknown-server") return `${printable(pool)} has no server ${quoted(server)}.`;
  return undefined;
}

/** What went wrong, where it has been said already in which pool. */
export function inPool(pool: string, message: string): string {
  const about = `pool ${printable(pool)}: `;
  return message.startsWith(about) ? message.slice(about.length) : message;
}

/** The same where more is to be said. */
export function clause(message: string): string {
  return message.replace(/\.$/, "");
}

/** What the admin side calls `body.expires` was typed as `--expires`. */
function asOptions(detail: string): string {
  return detail.replace(/\bbody\.(?=\w+: )/g, "--");
}

/** From an error of `fetch`, which hides what happened in its cause. */
export function unreachable(url: string, error: unknown): Unreachable {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const words = cause instanceof Error ? cause.message || code : String(cause);
  return new Unreachable(
    `${url} cannot be reached: ${printable(words)}`,
    NOT_SENT.some((codes) => codes.test(code)),
  );
}

/** Sluice answers with the pool's snapshot, or without a name with a list of them. */
function isAnswer(body: unknown, { pool }: Asked): boolean {
  const { name, servers, pools, unreachable } = (body ?? {}) as Record<string, unknown>;
  if (pool === undefined) return Array.isArray(pools) && Array.isArray(unreachable);
  return name === pool && Array.isArray(servers);
}

interface Problem {
  code: string;
  detail: string;
  pool?: string;
  drain?: Snapshot["drain"];
}

function problemOf(body: unknown): Problem | null {
  const { code, detail } = (body ?? {}) as Partial<Problem>;
  return typeof code === "string" && typeof detail === "string" ? (body as Problem) : null;
}
