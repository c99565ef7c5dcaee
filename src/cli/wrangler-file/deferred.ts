/** What of the key `deferred` has no effect, or not the expected one. */
import { inspect } from "../../config/problem.ts";
import type { DeferredConfig, PoolConfig } from "../../config/types.ts";
import { durationText } from "../../config/units.ts";
import { poolPath } from "./pools.ts";
import { isForDevelopment, isPrivate } from "./servers.ts";
import type { Target } from "./target.ts";
import type { Path } from "./tree.ts";

/**
 * The largest body of a request that Cloudflare passes on, in bytes, on the plans Free and Pro
 * (developers.cloudflare.com/workers/platform/limits, 2026-11).
 */
const SMALLEST_PLAN_BYTES = 100_000_000;

/** The latest that `Retry-After` sends a client back, in ms. */
const LATEST_LOOK_MS = 300_000;

export function checkDeferred(target: Target, pools: readonly PoolConfig[]): void {
  for (const { name, deferred, check } of pools) {
    if (!deferred) continue;
    const path = [...poolPath(target, name), "deferred"];
    warnOfMethods(target, path, deferred);
    warnOfWebhooks(target, path, deferred);
    warnOfForgetting(target, path, deferred);
    noteLargeBodies(target, path, deferred);
    if (!check) noteChecks(target, path, deferred);
  }
}

function warnOfMethods(target: Target, path: Path, { when, methods }: DeferredConfig): void {
  if (when !== "asked" && methods.length === 0) {
    target.warn(
      [...path, "methods"],
      `without any, when = "${when}" stores what asks for it by \`Prefer: respond-async\`, and nothing else`,
    );
  } else if (when === "asked" && target.own(...path, "methods") !== undefined) {
    target.warn(
      [...path, "methods"],
      'has no effect: when = "asked" stores requests of any method that ask for it; set when = "drained" or "always"',
    );
  }
}

function warnOfWebhooks(target: Target, path: Path, { webhooks }: DeferredConfig): void {
  for (const [index, origin] of webhooks.entries()) {
    const { protocol, hostname } = new URL(origin);
    const problem = isForDevelopment(hostname)
      ? `${inspect(origin)} is for wrangler dev and sluice serve only: from Cloudflare no webhook reaches it`
      : protocol === "http:" && !isPrivate(hostname)
        ? `${inspect(origin)} gets its webhooks through the public internet in the clear, and with them the addresses ` +
          "by which anybody can read the answers; use https:"
        : null;
    if (problem !== null) target.warn([...path, "webhooks", index], problem);
  }
}

function warnOfForgetting(target: Target, path: Path, { keepMs }: DeferredConfig): void {
  if (keepMs >= LATEST_LOOK_MS) return;
  target.warn(
    [...path, "keep"],
    `${durationText(keepMs)}, but \`Retry-After\` may tell a client to come back in ${durationText(LATEST_LOOK_MS)}: ` +
      "by then its answer is forgotten",
  );
}

function noteLargeBodies(target: Target, path: Path, { maxBodyBytes }: DeferredConfig): void {
  if (maxBodyBytes <= SMALLEST_PLAN_BYTES) return;
  target.note(
    [...path, "max_body"],
    "more than 100 MB, which is all that Cloudflare lets through on the plans Free and Pro (Business: 200 MB); it " +
      "answers 413 itself",
  );
}

function noteChecks(target: Target, path: Path, { when, methods }: DeferredConfig): void {
  const drains =
    when === "drained" && methods.length > 0 ? ', and when = "drained" stores in drains only' : "";
  target.note(
    path,
    `without \`check\` no server is ever down: a stored request that meets a dead one fails after its retries ` +
      `instead of waiting${drains}`,
  );
}
