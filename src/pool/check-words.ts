/** What a check got, in words for operators. They are shown to everybody who may look, so nothing secret is in them. */
import type { Wanted } from "./check-request.ts";

/** The longest place of a redirect that is told: a longer one would bury the status. */
const LONGEST_PLACE = 80;
const LONGEST_ERROR = 80;
const LONGEST_QUOTE = 40;

/** By status (developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors, 2026-11). */
const CLOUDFLARE: Record<number, string> = {
  520: "an empty or unreadable answer",
  521: "connection refused",
  522: "connection timed out",
  523: "server unreachable",
  524: "no answer in time",
  525: "TLS handshake failed",
  526: "invalid certificate",
  530: "name not resolved",
};

export function cloudflareWords({ status }: Response): string {
  return `Cloudflare's ${status}: ${CLOUDFLARE[status] ?? "an error of its own"}`;
}

/** `status 301 to /login`. `asked`: what was asked for. */
export function statusWords({ status, headers }: Response, asked: URL): string {
  const location = headers.get("location");
  const place = status >= 300 && status < 400 && location !== null ? placeOf(location, asked) : null;
  return `status ${status}${place === null ? "" : ` to ${place}`}`;
}

/** Without user, query and fragment, which may be secret. */
function placeOf(location: string, asked: URL): string | null {
  if (!URL.canParse(location, asked.href)) return null;
  const { origin, protocol, host, pathname } = new URL(location, asked.href);
  if (protocol !== "http:" && protocol !== "https:") return null;
  const place = origin === asked.origin ? pathname : `${protocol}//${host}${pathname}`;
  return place.length > LONGEST_PLACE ? null : place;
}

export function noHeaderWords({ name, value }: NonNullable<Wanted["expectHeader"]>): string {
  return `no header ${shortened(value === null ? name : `${name}: ${value}`)}`;
}

/** `isLong`: the body was not searched to its end. */
export function noTextWords(text: string, isLong: boolean): string {
  return `no "${shortened(text)}" in ${isLong ? "the first 64 KiB of " : ""}its body`;
}

export function bindingWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return `binding failed: ${text.replace(/\s+/g, " ").slice(0, LONGEST_ERROR)}`;
}

function shortened(text: string): string {
  return text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE - 1)}…` : text;
}
