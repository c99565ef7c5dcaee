import type { RecentRefusal } from "../../scheduler/record/recent-refusals.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { isFailing } from "../../words/condition.ts";
import { cutAhead, cutLeases, isDrained } from "../../words/drain.ts";
import { counted, grouped, serversInUse } from "../../words/phrases.ts";
import { unknownWords } from "../../words/shards.ts";
import { fineDuration, wholeSeconds } from "../../words/times.ts";
import { isOwn } from "./acts.ts";
import type { Advice, Facts, Symptoms } from "./advice-causes.ts";
import { beginning, FREE_BY_HAND, opensWords, refusalWords, retryWords, sentences } from "./advice-words.ts";
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
  const failing = refusals.filter(isFailing);
  const intended = refusals.filter((refusal) => !isFailing(refusal));
  const weight = failing.length > 0 ? "bad" : isSoon ? "warn" : "plain";
  const text = sentences(
    pool.drain?.stop && stopWords(pool),
    failing.length > 0 ? pressed(facts, failing) : isSoon ? endsSoon(facts, left) : whatNext(facts),
    intended.length > 0 && refusalWords(intended, now),
    retryWords(refusals),
  );
  return { cause: "drain", weight, text };
}

function stopWords({ deferred }: Snapshot): string {
  const stored = deferred?.queued ?? 0;
  const kept = `${grouped(stored)} that ${stored === 1 ? "is" : "are"} stored stay${stored === 1 ? "s" : ""} on the list`;
  return `Requests are refused until it is resumed${stored === 0 ? "" : `; ${kept}`}`;
}

function whatNext(facts: Facts): string {
  const { pool, now } = facts;
  if (isDrained(pool)) return timeToDeploy(pool, now);
  return waitWords(facts, pool.drain?.stop ? "" : "Wait before you deploy: ");
}

function timeToDeploy(pool: Snapshot, now: number): string {
  const { queued, inFlight, drain } = pool;
  const then = queued > 0 ? `; ${counted(queued, "request")}${ofThemStored(pool)} will go on then` : "";
  const resume =
    serversInUse(pool) > 0 ? "Resume afterwards" : "Resume afterwards, once a server takes requests";
  if (inFlight === 0)
    return sentences(
      `Nothing is in flight: now is the time for the ${drain?.stop ? "work" : "deploy"}`,
      `${resume}${then}`,
    );
  const cut = cutLeases(drain?.cut);
  return sentences(
    cut > 0
      ? `${counted(cut, "request")} ${cut === 1 ? "was" : "were"} cut off: restart what may still be at work on ${cut === 1 ? "it" : "them"}`
      : "Nothing is waited for any more",
    `${resume}${then}`,
    `${counted(inFlight, "slot")} stay${inFlight === 1 ? "s" : ""} closed meanwhile. ${opensWords(pool, now)}`,
  );
}

function pressed(facts: Facts, refusals: readonly RecentRefusal[]): string {
  const { pool, now } = facts;
  const reasons = [...new Set(refusals.map(({ code }) => REASONS[code] ?? code))];
  const refused = `${refusalWords(refusals, now)}: ${reasons.join(", and ")}`;
  if (pool.drain?.stop) return sentences(refused, whatNext(facts));
  const when = serversInUse(pool) > 0 ? "you can" : "a server takes requests";
  return sentences(
    `${refused} while the pool ${isDrained(pool) ? "is drained" : "drains"}`,
    `Resume as soon as ${when}`,
    !isDrained(pool) && waitWords(facts),
  );
}

function endsSoon({ pool, operator, now }: Facts, left: number): string {
  const noun = pool.drain?.stop ? "stop" : "drain";
  const ends = `The ${noun} ends by itself in ${wholeSeconds(left)}`;
  const extend = isOwn(pool.drain, operator) ? "Extend it" : `“${pool.drain?.owner}” has to extend it`;
  if (!isDrained(pool))
    return sentences(
      `${ends}, and may be over before the pool is ${noun === "stop" ? "stopped" : "drained"}`,
      inFlightWords(pool, now),
      `Still to deploy? ${extend}`,
    );
  if (serversInUse(pool) === 0)
    return sentences(`${ends}, and no server takes requests yet`, `Not finished by then? ${extend}`);
  return sentences(`${ends}, and requests go to the servers again`, `Not finished? ${extend}`);
}

function waitWords(facts: Facts, before = ""): string {
  return sentences(inFlightWords(facts.pool, facts.now, before), endWords(facts));
}

/** How the wait ends, if not by itself; `null`: who looks has no say in it. */
function endWords({ pool: { drain, servers }, operator, mayCut, now }: Facts): string | null {
  const cuts = cutAhead(drain?.cut, now);
  if (cuts !== null) return `The ${drain?.stop ? "stop" : "drain"} ${cuts} what is left`;
  // From the beginning: a sentence that came with time would move all that is below it.
  const isAtWork = servers.some(({ leases }) => leases.some(({ quarantined }) => !quarantined));
  return isAtWork && mayCut && isOwn(drain, operator) ? "What does not end can be cut off" : null;
}

/** What the drain waits for. */
export function inFlightWords(pool: Snapshot, now: number, before = ""): string {
  const { inFlight, quarantined, servers } = pool;
  if (inFlight === 0 && pool.shards) return sentences(beginning(`${before}${untoldWords(pool)}`));
  const only = quarantined === inFlight;
  const part = quarantined === 0 || only ? "" : `, ${quarantined} of them in quarantine`;
  const count = `${before}${counted(inFlight, "slot")} still ${only ? "in quarantine, whose server may be at work" : "in flight"}${part}`;
  if (only) return sentences(count, `${opensWords(pool, now)}; ${FREE_BY_HAND}`);
  const leases = servers.flatMap((server) => server.leases.map((lease) => ({ server, lease })));
  const [oldest] = leases.sort((a, b) => a.lease.since.localeCompare(b.lease.since));
  const age = oldest ? fineDuration(now - Date.parse(oldest.lease.since)) : "";
  return sentences(count, oldest ? `The longest is on ${oldest.server.name}, for ${age}` : null);
}

/** What a drain waits for while nothing is known to be in flight. */
function untoldWords(pool: Snapshot): string {
  const unknown = unknownWords(pool);
  return unknown ? `${unknown}, may still be in flight` : "not every shard has said yet that it has done all";
}
