import type { Snapshot } from "../../scheduler/snapshot.ts";
import { isAllQuarantined } from "../../words/condition.ts";
import { counted, inSentence, isTakenOut } from "../../words/phrases.ts";
import type { QueueTrend } from "../../words/queue-trend.ts";
import { shardShortage, shortageWords } from "../../words/shards-needed.ts";
import { wholeSeconds } from "../../words/times.ts";
import type { Advice, Facts, Symptoms } from "./advice-causes.ts";
import { crowdWords, HELD_BACK, seemsHeldBack } from "./advice-flows.ts";
import {
  beginning,
  FREE_BY_HAND,
  growthWords,
  meanwhile,
  opensWords,
  putBack,
  refusalWords,
  retryWords,
  sentences,
  weightOf,
} from "./advice-words.ts";

/** Why requests are refused, and which limit may be raised if that is all. */
const LIMITS: Record<string, { reason: string; raise: string | null }> = {
  "queue-full": { reason: "the waiting list is full", raise: "raise max_queue" },
  "queue-timeout": { reason: "they waited longer than queue_timeout", raise: null },
  "deferred-full": { reason: "as many requests are stored as max of deferred allows", raise: "raise it" },
};
const EXPIRED = { reason: "they expired before a server became free", raise: "raise expires" };

/** More comes than the servers can do. */
export function onLoad(facts: Facts, symptoms: Symptoms): Advice {
  const { pool, now } = facts;
  const { refusals, trend } = symptoms;
  const [taken, cure] = cureOf(pool);
  if (refusals.length === 0)
    return { cause: "load", weight: "warn", text: trend ? trendWords(pool, trend, taken, cure) : "" };
  const limits = refusals.map(({ code, deferred }) => (deferred ? EXPIRED : LIMITS[code]));
  const reasons = [...new Set(limits.map((limit) => limit?.reason))];
  const raises = [...new Set(limits.map((limit) => limit?.raise ?? null))];
  // A longer list would only make more of them wait too long.
  const raise = raises.length === 1 && raises[0] ? `, or ${raises[0]}` : "";
  const text = sentences(
    `${refusalWords(refusals, now)}: ${reasons.join(", and ")}`,
    crowdWords(pool),
    seemsHeldBack(pool) ? HELD_BACK : `${cure}${raise}`,
    isCrowdedOut(pool, symptoms) && "A lower max_queue_per_flow would keep room for other clients",
    retryWords(refusals),
  );
  return { cause: "load", weight: "bad", text };
}

/** The servers that an operator could put back, and what helps. */
function cureOf({ servers }: Snapshot): [taken: string | null, cure: string] {
  const set = servers.filter((server) => isTakenOut(server) && server.slots > 0);
  if (set.length === 0) return [null, "Add servers or slots"];
  const taken = set.length === 1 ? (set[0]?.name ?? "") : counted(set.length, "server");
  return [taken, `${beginning(putBack(set, taken))} again, or add servers or slots`];
}

function trendWords(pool: Snapshot, trend: QueueTrend, taken: string | null, cure: string): string {
  const crowd = crowdWords(pool);
  const who = crowd === null ? "find out who sends so much" : "ask who sends so much for less";
  const helps =
    trend.kind === "grows"
      ? `More comes than the servers finish: ${inSentence(cure)}, or ${who}`
      : taken === null
        ? "One more slot would end that"
        : `Setting ${taken} to ready again would end that, or one more slot`;
  return sentences(
    trend.kind === "grows"
      ? `The waiting list grows: ${growthWords(trend)}`
      : `The waiting list stays long: for ${wholeSeconds(trend.ms)} as many come as go, and each waits ${wholeSeconds(trend.waitMs)}`,
    crowd,
    seemsHeldBack(pool) ? HELD_BACK : helps,
  );
}

/** True if one client has filled the list, so that others are refused. */
function isCrowdedOut(pool: Snapshot, { refusals }: Symptoms): boolean {
  return crowdWords(pool) !== null && refusals.some(({ code }) => code === "queue-full");
}

/** The objects are the limit, and not the servers. */
export function onShards({ pool, now }: Facts, symptoms: Symptoms): Advice {
  const shortage = shardShortage(pool);
  const text = sentences(
    shortage && shortageWords(shortage),
    meanwhile(symptoms, now),
    retryWords(symptoms.refusals),
  );
  return { cause: "few-shards", weight: weightOf(symptoms, symptoms.trend ? "warn" : "plain"), text };
}

/** What has piled up in a drain is worked off. */
export function onDrainOver({ now, drainedAt }: Facts, symptoms: Symptoms): Advice {
  const { refusals, trend } = symptoms;
  const text = sentences(
    `${refusalWords(refusals, now)}: requests have piled up in the drain that ended ${wholeSeconds(now - drainedAt)} ago`,
    meanwhile({ refusals: [], trend }, now),
    "A shorter drain would avoid that",
    retryWords(refusals),
  );
  return { cause: "drain-over", weight: weightOf(symptoms, "warn"), text };
}

export function onSlowServers({ pool, now }: Facts, { refusals, trend }: Symptoms): Advice {
  const { quarantined } = pool;
  const shut = `${isAllQuarantined(pool) ? "All slots are" : `${counted(quarantined, "slot")} ${quarantined === 1 ? "is" : "are"}`} in quarantine meanwhile`;
  const text = sentences(
    `${refusalWords(refusals, now)}: servers are silent for longer than server_timeout, or work for longer than longest`,
    "Look at what they are busy with",
    quarantined > 0 && `${shut}: ${inSentence(opensWords(pool, now))}; ${FREE_BY_HAND}`,
    meanwhile({ refusals: [], trend }, now),
    retryWords(refusals),
  );
  return { cause: "slow", weight: "bad", text };
}

export function onQuarantine({ pool, now }: Facts, symptoms: Symptoms): Advice {
  const isAll = isAllQuarantined(pool);
  const slots = isAll
    ? "Every slot is in quarantine, so that no request goes to a server"
    : `${counted(pool.quarantined, "slot")} in quarantine`;
  const text = sentences(
    `${slots}: the request was cut off, its server may still be at work`,
    `${opensWords(pool, now)}; ${FREE_BY_HAND}`,
    meanwhile(symptoms, now),
    retryWords(symptoms.refusals),
  );
  return { cause: "quarantine", weight: weightOf(symptoms, isAll ? "warn" : "plain"), text };
}
