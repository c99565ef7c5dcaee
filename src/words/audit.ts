import type { AuditAnswer, AuditEntry } from "../link/audit.ts";
import { counted, SERVER_STATES } from "./phrases.ts";
import { duration } from "./times.ts";

type Quote = (text: string) => string;

/** What somebody asked for: `drain as “deploy-42” (v2), for 15 min`. `quote`: for names that anybody may have chosen. */
export function askedInWords(entry: AuditEntry, quote: Quote): string {
  const { act, by, owner = by, reason, expiresMs, message } = entry;
  const as = owner === by ? "" : ` as ${quote(owner)}`;
  switch (act) {
    case "drain": {
      const why = reason === undefined ? "" : ` (${quote(reason)})`;
      const end = expiresMs === undefined ? "" : `, for ${duration(expiresMs)}`;
      return `${entry.extend ? "extend the drain" : "drain"}${as}${why}${end}${cut(entry)}`;
    }
    case "stop": {
      const what = message === undefined ? "" : ` (${quote(message)})`;
      const end = expiresMs === undefined ? "" : `, for ${duration(expiresMs)}`;
      return `stop${as}${what}${end}${cut(entry)}`;
    }
    case "resume":
      return `resume${as}${entry.force ? ", whosever drain it is" : ""}`;
    case "change-server":
      return `set ${quote(entry.server ?? "")}${as}: ${settings(entry)}${cut(entry)}`;
    case "register-server": {
      const { slots, weight, url = "" } = entry;
      const how = [
        ...(slots == null ? [] : [counted(slots, "slot")]),
        ...(weight == null ? [] : [`weight ${weight}`]),
        expiresMs === undefined ? "until it is removed" : `for ${duration(expiresMs)} at a time`,
      ];
      return `register ${quote(entry.server ?? "")} at ${quote(url)}, ${how.join(", ")}`;
    }
    case "remove-server":
      return `remove ${quote(entry.server ?? "")}${entry.url === undefined ? "" : ` at ${quote(entry.url)}`}, which has registered`;
    case "free-slot":
      if (entry.server !== undefined) return `free a slot of ${quote(entry.server)}`;
      return `free the slot of lease ${quote(entry.lease ?? "")}`;
    case "cancel-deferred":
      return `cancel ${entry.forget ? "or forget " : ""}${request(entry)}`;
    case "retry-deferred":
      return `retry ${request(entry)}`;
    default:
      // A page that is older than the Worker does not know every act.
      return act;
  }
}

function cut({ cutMs }: AuditEntry): string {
  return cutMs === undefined ? "" : `, cutting off what is still held after ${duration(cutMs)}`;
}

function settings({ state, slots, weight, ifState }: AuditEntry): string {
  const parts = [];
  if (state !== undefined) parts.push(SERVER_STATES[state]);
  if (slots !== undefined) parts.push(slots === null ? "slots as configured" : counted(slots, "slot"));
  if (weight !== undefined) parts.push(`weight ${weight ?? "as configured"}`);
  return parts.join(", ") + (ifState === undefined ? "" : `, if it is ${SERVER_STATES[ifState]}`);
}

function request({ number }: AuditEntry): string {
  return number === undefined ? "a deferred request" : `deferred request ${number}`;
}

const REFUSED: Record<Exclude<AuditAnswer, "done" | "nothing" | "pool-unavailable">, string> = {
  "drain-held": "another drain was on",
  forbidden: "the right to force was missing",
  "state-changed": "it was in another state",
  "unknown-server": "there is no such server",
  "server-known": "its name or its URL is another server’s",
  "registration-refused": "the configuration does not let it register",
  "registration-full": "as many servers as may register were there",
  "unknown-lease": "there was no such lease",
  "unknown-request": "there was no such request",
  "already-ended": "it had ended",
  "not-failed": "it had not failed",
  "deferred-full": "as many as may be stored were waiting",
  "flow-queue-full": "as many of its client’s as may were waiting",
  "no-server": "no server was available",
  stopped: "the pool was stopped",
  "idempotency-mismatch": "another request had its Idempotency-Key",
};

/** What came of it: `done`, `refused (drain-held): another drain was on`. */
export function answerInWords(answer: AuditAnswer): string {
  if (answer === "done") return "done";
  if (answer === "nothing") return "nothing to do: no drain was on";
  if (answer === "pool-unavailable") return `not known (${answer}): it was not reached`;
  // Nor every refusal.
  const why = (REFUSED as Record<string, string | undefined>)[answer];
  return `refused (${answer})${why === undefined ? "" : `: ${why}`}`;
}

export const SIGNED_IN = {
  "admin-token": "ADMIN_TOKEN",
  token: "a named token",
  access: "Cloudflare Access",
  serve: "sluice serve, for its stop",
};
