/// <reference path="./text.d.ts" />
import type { RequestTarget } from "../carry/target.ts";
import { bound } from "../config/bindings.ts";
import { WAITING_PAGE, type WAITING_PAGE_PLACEHOLDERS } from "../config/waiting-page.ts";
import type { DeferredStatus } from "../link/deferred-calls.ts";
import { REQUESTS_PATH } from "../link/deferred-id.ts";
import { OWN_PAGE_POLICY } from "../refusals/own-body.ts";
import { escapeHtml, OWN_HEADERS, ownPage } from "../refusals/response.ts";
import { estimateOf } from "../requests/estimate.ts";
// By the import attribute, as the dashboard's files.
import script from "./waiting-page.script.js" with { type: "text" };

/** SHA-256 of the script; a test computes it. */
const SCRIPT_DIGEST = "sha256-vSPQLY9spaEdaynxLKd2nkHy7IxSONfJy2KpZIS3a88=";

/** Without a script, the page reloads itself: the sooner, the nearer it is to its turn; in seconds. */
const [SOONEST_S, UNKNOWN_S] = [2, 5];
const LATEST_S = 10;

const POLICY = [
  OWN_HEADERS["Content-Security-Policy"],
  `script-src '${SCRIPT_DIGEST}'`,
  "connect-src 'self'",
].join("; ");

/**
 * The page at which a visitor waits for its turn: at the address of what it asked for, as the answer has to appear there.
 * `env`: has the operator's own page, if there is one.
 */
export function waitingPage(
  env: object,
  status: DeferredStatus,
  { target, pool, requestId }: { target: RequestTarget; pool: string; requestId: string },
): Response {
  const own = bound(env, WAITING_PAGE);
  const isOwn = typeof own === "string";
  const reloadS = reloadAfterS(status);
  const refresh = `${reloadS}; url=${hereFrom(target)}`;
  const headers = new Headers({
    ...OWN_HEADERS,
    "Content-Security-Policy": isOwn ? OWN_PAGE_POLICY : POLICY,
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Retry-After": String(reloadS),
    "X-Request-Id": requestId,
    // A crawler is not to take the page for what is at this address.
    "X-Robots-Tag": "noindex",
    Vary: "Accept, Cookie, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Purpose",
  });
  // An own page has no script of ours.
  if (isOwn) headers.set("Refresh", refresh);
  const events = REQUESTS_PATH + status.id;
  const body = isOwn
    ? filledIn(own, status, { pool, requestId, events })
    : ourPage(status, { reloadS, refresh, events, requestId });
  return new Response(body, { status: 202, headers });
}

/**
 * The page's own address. Without it, a browser would only scroll where the address has a fragment; relative, as a proxy in
 * front may have taken the request's scheme.
 */
function hereFrom({ origin, pathAndQuery }: RequestTarget): string {
  const [path = "", ...query] = new URL(origin + pathAndQuery).href.split("?");
  return `./${[path.slice(path.lastIndexOf("/") + 1), ...query].join("?")}`;
}

function reloadAfterS({ state, startsInMs }: DeferredStatus): number {
  // What runs is waited for by the reload.
  if (state === "running") return 1;
  if (startsInMs === null) return UNKNOWN_S;
  return Math.min(LATEST_S, Math.max(SOONEST_S, Math.ceil(startsInMs / 4_000)));
}

function ourPage(
  status: DeferredStatus,
  {
    reloadS,
    refresh,
    events,
    requestId,
  }: { reloadS: number; refresh: string; events: string; requestId: string },
): string {
  const { state, place } = status;
  const isRunning = state === "running";
  const heading = isRunning ? "Your request is being worked on" : "You are waiting in line";
  const title = isRunning ? heading : place === null ? "In line" : `Place ${place} in line`;
  const data = `data-events="${escapeHtml(events)}" data-state="${state}" data-reload="${reloadS}"`;
  const shown = place ?? (isRunning ? "at a server" : "not known at the moment");
  return ownPage(
    title,
    heading,
    [
      `Place in line: <strong id="place" ${data}>${shown}</strong>`,
      `Your turn: <span id="estimate" role="status">${escapeHtml(estimateOf(status))}</span>`,
      "What you asked for appears here by itself, as soon as it is your turn. Keep this page open: it keeps your place, also if you reload it.",
      `<small>request ${escapeHtml(requestId)}</small>`,
    ],
    `<noscript><meta http-equiv="refresh" content="${escapeHtml(refresh)}"></noscript>\n<script type="module">${script}</script>\n`,
  );
}

/** Fills in the placeholders as text, in one go: one in a value stays as it is. */
function filledIn(
  template: string,
  status: DeferredStatus,
  { pool, requestId, events }: { pool: string; requestId: string; events: string },
): string {
  const { place, startsInMs } = status;
  const values: Record<string, string> & Record<(typeof WAITING_PAGE_PLACEHOLDERS)[number], string> = {
    place: String(place ?? ""),
    estimate: estimateOf(status),
    seconds: startsInMs === null ? "" : String(Math.ceil(startsInMs / 1_000)),
    pool,
    requestId,
    status: events,
  };
  return template.replace(/\{\{(\w+)\}\}/g, (text, name: string) =>
    Object.hasOwn(values, name) ? escapeHtml(values[name] ?? "") : text,
  );
}
