import { clockInWords } from "../../words/times.ts";
import { type Advice, type Cause, causesOf, type Facts, type Symptoms } from "./advice-causes.ts";
import { onDrain } from "./advice-drain.ts";
import { onFlows } from "./advice-flows.ts";
import { onDrainOver, onLoad, onQuarantine, onShards, onSlowServers } from "./advice-load.ts";
import { onBrokenConnections, onClients, onOtherFailures } from "./advice-requests.ts";
import { onMissingServers, onNoServer, onServersBack } from "./advice-servers.ts";
import { onLostShards } from "./advice-shards.ts";

const ADVISERS: Record<Exclude<Cause, `failed ${string}`>, (facts: Facts, symptoms: Symptoms) => Advice> = {
  "lost-shards": onLostShards,
  drain: onDrain,
  "no-server": onNoServer,
  "servers-missing": onMissingServers,
  quarantine: onQuarantine,
  "drain-over": onDrainOver,
  "servers-back": onServersBack,
  slow: onSlowServers,
  broken: onBrokenConnections,
  "few-shards": onShards,
  load: onLoad,
  clients: onClients,
  flows: onFlows,
};

const ORDER = { bad: 0, warn: 1, plain: 2 };

/** All advice on a pool, gravest first: one piece for each cause, which says what the cause leads to. */
export function adviceOn(facts: Facts): Advice[] {
  const all = [...causesOf(facts)].map(([cause, symptoms]) => {
    const adviser = ADVISERS[cause as keyof typeof ADVISERS] ?? onOtherFailures;
    return adviser(facts, symptoms);
  });
  return all.sort((a, b) => ORDER[a.weight] - ORDER[b.weight]);
}

/** On a pool whose object is not reached; `lostAt`: since when, in ms, or `null` for since the page was opened. */
export function adviceOnLoss(lostAt: number | null, now: number): Advice {
  const since = lostAt === null ? "" : ` since ${clockInWords(lostAt, now)}; the figures are from then`;
  const text =
    `Its Durable Object cannot be reached${since}. New requests are refused meanwhile (pool-unavailable), and Sluice tries ` +
    "again by itself. The Worker’s log may say why.";
  return { cause: "object", weight: "bad", text };
}
