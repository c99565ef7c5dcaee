import type { DeferredSnapshot, DrainSnapshot, ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { nextLimit, queuedDirectly } from "../../words/capacity.ts";
import { type Condition, conditionOf } from "../../words/condition.ts";
import { cutAhead, cutWords } from "../../words/drain.ts";
import { awaitsCheck, inSentence, isWarming, serversInUse } from "../../words/phrases.ts";
import { clock, duration } from "../../words/times.ts";
import { capacityLines, limitCell, queuedCell } from "./capacity-view.ts";
import { flowsView } from "./flows-view.ts";
import type { Style } from "./output.ts";
import { holderOf, printable, quoted } from "./output.ts";
import { shardsView } from "./shards-view.ts";
import { type Column, table, titled } from "./table.ts";

/** A table of pools, a line each. */
export function poolsView(
  pools: readonly Snapshot[],
  style: Style,
  width?: number,
  judge: (pool: Snapshot) => Condition = conditionOf,
): string[] {
  const columns: Column<Snapshot>[] = [
    { title: "POOL", cell: ({ name }) => style("bold", name) },
    { title: "STATE", cell: (pool) => stateWords(judge(pool), style) },
    { title: "IN FLIGHT", cell: ({ inFlight, slots }) => `${inFlight}/${slots}`, right: true },
    quarantinedColumn(style),
    { title: "QUEUED", cell: (pool) => queuedCell(pool, style), right: true },
    {
      title: "OLDEST",
      cell: (pool) => (queuedDirectly(pool) ? duration(pool.oldestWaitMs) : "–"),
      right: true,
    },
    {
      title: "TIME LEFT",
      cell: (pool) => limitCell(pool, style),
      right: true,
      usual: (pool) => nextLimit(pool) === null,
    },
    ...(pools.some(({ deferred }) => deferred) ? [deferredColumn(style)] : []),
    { title: "SERVERS", cell: (pool) => serversUp(pool, style), right: true },
    ...(pools.some(({ drain }) => drain) ? [DRAINED_BY] : []),
  ];
  return titled(table(columns, pools, width), style);
}

/** A line for each pool whose object did not answer. */
export function unreachableView(names: readonly string[], style: Style): string[] {
  return names.map((name) => `${style("bold", printable(name))}  ${style("red", "cannot be reached")}`);
}

/** One pool: its state, its drain, a line for each server, why nobody knows their health, who waits longest, and its shards. */
export function poolView(pool: Snapshot, style: Style, now: number, width?: number): string[] {
  const servers = serversView(pool.servers, style, now, width);
  const isAwaited = pool.servers.some((server) => awaitsCheck(server, pool));
  const hint = isAwaited ? [style("dim", "unchecked: servers are checked while the pool has work")] : [];
  const parts = [...flowsView(pool, style, width), ...shardsView(pool, style, width)];
  return [...poolHead(pool, style, now), "", ...servers, ...hint, ...parts];
}

export function poolHead(
  pool: Snapshot,
  style: Style,
  now: number,
  condition: Condition = conditionOf(pool),
): string[] {
  const { name, drain, inFlight, slots, quarantined, oldestWaitMs, deferred, lastWake } = pool;
  const queued = queuedDirectly(pool);
  const parts = [
    `${inFlight} of ${slots} slots in flight`,
    ...(quarantined ? [style("yellow", `${quarantined} quarantined`)] : []),
    queued
      ? `${style("cyan", `${queued} queued`)}, the oldest for ${duration(oldestWaitMs)}`
      : "nobody queued",
  ];
  const lines = [`${style("bold", name)}  ${stateWords(condition, style)}  ${parts.join(" · ")}`];
  if (drain) lines.push(...drainLines(drain, style, now));
  if (lastWake && pool.queued > 0 && serversInUse(pool) === 0) {
    const age = duration(now - Date.parse(lastWake.at));
    lines.push(`servers were asked for ${age} ago: ${printable(lastWake.got)}`);
  }
  lines.push(...capacityLines(pool, style));
  if (deferred) lines.push(deferredLine(deferred, style));
  return lines;
}

function drainLines(drain: DrainSnapshot, style: Style, now: number): string[] {
  const { reason, since, expiresAt, cut, stop } = drain;
  const why = reason ? ` (${quoted(reason)})` : "";
  const parts = [
    `${stop ? "stopped" : "drained"} by ${holderOf(drain)}${why} since ${clock(since, now)}`,
    `ends by itself in ${duration(Date.parse(expiresAt) - now)}`,
  ];
  const cuts = cutAhead(cut, now) ?? cutWords(cut);
  const message = stop?.message ?? null;
  return [
    [...parts, ...(cuts === null ? [] : [style("yellow", cuts)])].join(", "),
    ...(message === null ? [] : [`requests are refused with ${quoted(message)}`]),
  ];
}

function deferredLine(
  { queued, running, answered, failed, oldestMs }: DeferredSnapshot,
  style: Style,
): string {
  const oldest = queued > 0 ? `, the oldest for ${duration(oldestMs)}` : "";
  const parts = [
    `${queued > 0 ? style("cyan", `${queued} queued`) : "none queued"}${oldest}`,
    `${running} running`,
    `${answered} answered`,
    failed > 0 ? style("red", `${failed} failed`) : "none failed",
  ];
  return `deferred  ${parts.join(" · ")}`;
}

/** Left out where the table would be too wide: the view of one pool says it too. */
const DRAINED_BY: Column<Snapshot> = {
  title: "DRAINED BY",
  cell: ({ drain }) => (drain ? holderOf(drain) : "–"),
  usual: () => true,
};

/** How many wait, and how many have failed and are kept. */
function deferredColumn(style: Style): Column<Snapshot> {
  return {
    title: "DEFERRED",
    cell: ({ deferred }) => {
      if (!deferred) return "–";
      const failed = deferred.failed > 0 ? `, ${style("red", `${deferred.failed} failed`)}` : "";
      return alarming(deferred.queued, "cyan", style) + failed;
    },
    right: true,
    usual: ({ deferred }) => !deferred || (deferred.queued === 0 && deferred.failed === 0),
  };
}

/** A table of servers, a line each. */
export function serversView(
  servers: readonly ServerSnapshot[],
  style: Style,
  now: number,
  width?: number,
): string[] {
  const columns: Column<ServerSnapshot>[] = [
    { title: "SERVER", cell: ({ name, backup }) => style("bold", name) + (backup ? " (backup)" : "") },
    { title: "STATE", cell: (server) => serverState(server, style, now) },
    {
      title: "HEALTH",
      cell: ({ health }) => healthWord(health, style),
      usual: ({ health }) => health === "unchecked",
    },
    {
      title: "IN FLIGHT",
      cell: ({ inFlight, slots, configured }) =>
        `${inFlight}/${slots}${otherwise(slots, configured?.slots, style)}`,
      right: true,
    },
    quarantinedColumn(style),
    { title: "LONGEST", cell: ({ leases }) => longest(leases, now), right: true },
    {
      title: "WEIGHT",
      cell: ({ weight, configured }) =>
        `${weight === 0 ? style("yellow", "0") : weight}${otherwise(weight, configured?.weight, style)}`,
      right: true,
      usual: ({ weight, configured }) => weight === 1 && (configured?.weight ?? 1) === 1,
    },
    ...(servers.some(({ lastCheck }) => lastCheck?.passed === false) ? [lastCheckColumn(style)] : []),
    ...(servers.some((server) => isWarming(server, now)) ? [warmColumn(now)] : []),
    ...(servers.some(({ registered }) => registered) ? [registeredColumn(now)] : []),
    ...(servers.some(({ shard }) => shard !== undefined) ? [SHARD] : []),
    { title: "URL", cell: ({ url }) => style("dim", url) },
  ];
  return titled(table(columns, servers, width), style);
}

/** Which object of the pool grants its slots. Left out where the table would be too wide. */
const SHARD: Column<ServerSnapshot> = {
  title: "SHARD",
  cell: ({ shard }) => String(shard ?? "–"),
  right: true,
  usual: () => true,
};

function serverState({ state, cut }: ServerSnapshot, style: Style, now: number): string {
  if (state === "ready") return state;
  const cuts = cutAhead(cut, now);
  return style("yellow", cuts === null ? state : `${state}, ${cuts}`);
}

/** What each server's last health check got. */
function lastCheckColumn(style: Style): Column<ServerSnapshot> {
  return {
    title: "LAST CHECK",
    cell: ({ lastCheck }) => {
      if (lastCheck === null) return "–";
      const got = printable(lastCheck.got);
      return lastCheck.passed ? got : style("red", got);
    },
  };
}

/** `until 12:00:05`: the server's share of the requests grows so long. */
function warmColumn(now: number): Column<ServerSnapshot> {
  return {
    title: "WARMS UP",
    cell: (server) => (isWarming(server, now) ? `until ${clock(server.warmUntil ?? now, now)}` : "–"),
  };
}

/** `until 12:00:05`: the server leaves then, unless it registers again. */
function registeredColumn(now: number): Column<ServerSnapshot> {
  return {
    title: "REGISTERED",
    cell: ({ registered }) => {
      if (!registered) return "–";
      return registered.expiresAt === null ? "for good" : `until ${clock(registered.expiresAt, now)}`;
    },
  };
}

/** The configured value, where an operator has set another one. */
function otherwise(now: number, configured: number | undefined, style: Style): string {
  return (configured ?? now) === now ? "" : style("yellow", ` (configured ${configured})`);
}

function quarantinedColumn(style: Style): Column<{ quarantined: number }> {
  return {
    title: "QUARANTINED",
    cell: ({ quarantined }) => alarming(quarantined, "yellow", style),
    right: true,
    usual: ({ quarantined }) => quarantined === 0,
  };
}

const COLOURS = { good: "green", warn: "yellow", bad: "red" } as const;

function stateWords(condition: Condition, style: Style): string {
  return style(COLOURS[condition.gravity], inSentence(condition.words));
}

function healthWord(health: ServerSnapshot["health"], style: Style): string {
  if (health === "unchecked") return style("dim", health);
  return style(health === "up" ? "green" : "red", health);
}

function serversUp(pool: Snapshot, style: Style): string {
  const all = pool.servers.length;
  const up = serversInUse(pool);
  const words = `${up}/${all}`;
  if (up === all) return words;
  return style(up === 0 ? "red" : "yellow", words);
}

function longest(leases: ServerSnapshot["leases"], now: number): string {
  const since = Math.min(...leases.map((lease) => Date.parse(lease.since)));
  return leases.length ? duration(now - since) : "–";
}

function alarming(count: number, format: Parameters<Style>[0], style: Style): string {
  return count > 0 ? style(format, String(count)) : "0";
}
