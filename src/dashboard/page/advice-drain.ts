import type { RecentRefusal } from "../../scheduler/record/recent-refusals.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { counted, serversInUse } from "../../words/phrases.ts";
import { fineDuration, wholeSeconds } from "../../words/times.ts";
import { isOwn } from "./acts.ts";
import type { Advice, Facts, Symptoms } from "./advice-causes.ts";
import { FREE_BY_HAND, opensWords, refusalWords, retryWords, sentences } from "./advice-words.ts";
import { ofThemStored } from "./deferred-words.ts";

/** A drain that ends sooner needs a hand; a deploy extends its own by itself until shortly before. */
const SOON_MS = 2 * 60_000;
const SOON_FOR_OTHERS_MS = 30_000;

const REASONS: Record<string, string> = {
  "queue-full": "the waiting list is full",
  "queue-timeout": "they waited longer than queue_timeout",
  "deferred-full": "as many requests are stored as may be",
};

/** One piece of advice, whatever else there is: to wait, to deploy, to extend and to resume exclude each other. */
export function onDrain(facts: Facts, { refusals }: Symptoms): Advice {
  const { pool, operator, now } = facts;
  const left = Date.parse(pool.drain?.expiresAt ?? "") - now;
  const isSoon = left < (isOwn(pool.drain, operator) ? SOON_MS : SOON_FOR_OTHERS_MS);
  if (refusals.length > 0) return { cause: "drain", weight: "bad", text: pressed(facts, refusals) };
  if (isSoon) return { cause: "drain", weight: "warn", text: endsSoon(facts, left) };
  const text =
    pool.state === "drained" ? timeToDeploy(pool) : inFlightWords(pool, now, "Wait before you deploy: ");
  return { cause: "drain", weight: "plain", text };
}

function timeToDeploy(pool: Snapshot): string {
  const { queued } = pool;
  const then = queued > 0 ? `; ${counted(queued, "request")}${ofThemStored(pool)} will go on then` : "";
  const resume =
    serversInUse(pool) > 0 ? "Resume afterwards" : "Resume afterwards, once a server takes requests";
  return sentences("Nothing is in flight: now is the time for the deploy", `${resume}${then}`);
}

function pressed({ pool, now }: Facts, refusals: readonly RecentRefusal[]): string {
  const reasons = [...new Set(refusals.map(({ code }) => REASONS[code] ?? code))];
  const when = serversInUse(pool) > 0 ? "you can" : "a server takes requests";
  return sentences(
    `${refusalWords(refusals, now)}: ${reasons.join(", and ")} while the pool ${pool.state === "drained" ? "is drained" : "drains"}`,
    `Resume as soon as ${when}`,
    pool.state === "draining" && inFlightWords(pool, now),
    retryWords(refusals),
  );
}

function endsSoon({ pool, operator, now }: Facts, left: number): string {
  const ends = `The drain ends by itself in ${wholeSeconds(left)}`;
  const extend = isOwn(pool.drain, operator) ? "Extend it" : `“${pool.drain?.owner}” has to extend it`;
  if (pool.state === "draining")
    return sentences(
      `${ends}, and may be over before the pool is drained`,
      inFlightWords(pool, now),
      `Still to deploy? ${extend}`,
    );
  if (serversInUse(pool) === 0)
    return sentences(`${ends}, and no server takes requests yet`, `Not finished by then? ${extend}`);
  return sentences(`${ends}, and requests go to the servers again`, `Not finished? ${extend}`);
}

/** What the drain waits for. */
function inFlightWords(pool: Snapshot, now: number, before = ""): string {
  const { inFlight, quarantined, servers } = pool;
  const only = quarantined === inFlight;
  const part = quarantined === 0 || only ? "" : `, ${quarantined} of them in quarantine`;
  const count = `${before}${counted(inFlight, "slot")} still ${only ? "in quarantine, whose server may be at work" : "in flight"}${part}`;
  if (only) return sentences(count, `${opensWords(pool, now)}; ${FREE_BY_HAND}`);
  const leases = servers.flatMap((server) => server.leases.map((lease) => ({ server, lease })));
  const [oldest] = leases.sort((a, b) => a.lease.since.localeCompare(b.lease.since));
  const age = oldest ? fineDuration(now - Date.parse(oldest.lease.since)) : "";
  return sentences(count, oldest ? `The longest is on ${oldest.server.name}, for ${age}` : null);
}
