import { counted } from "../../words/phrases.ts";
import type { Style } from "../terminal/output.ts";
import { type Column, table, titled } from "../terminal/table.ts";
import { idleMs, sharePassed } from "./assumptions.ts";
import type { Act, Assumption, Measured, Report, Result } from "./report.ts";
import type { ShardReport } from "./shards.ts";

const COLOURS = { held: "green", "did not hold": "red", "not run": "dim" } as const;

/** The report, for people. */
export function reportView(report: Report, style: Style, width?: number): string[] {
  return [
    ...report.acts.flatMap((act) => actLines(act, style)),
    "",
    style("bold", report.where === "local" ? "Measured, on this one machine" : "Measured"),
    ...measuredLines(report.measured),
    ...shardLines(report.measured, style, width),
    "",
    style("bold", "What we assume of Cloudflare"),
    ...assumptionLines(report.assumptions, style, width),
    "",
    verdictLine(report, style),
  ];
}

function actLines({ title, result, why, summary }: Act, style: Style): string[] {
  const details =
    result === "not run" ? why : [...(summary ? [summary] : []), ...why.map((one) => style("red", one))];
  return [`${word(result, style)}  ${title}`, ...details.map((detail) => `${" ".repeat(14)}${detail}`)];
}

function word(result: Result, style: Style): string {
  return style(COLOURS[result], result.padEnd("did not hold".length));
}

function measuredLines({
  latency,
  slotIdle,
  handOvers,
  roundTrip,
  commit,
  objectRate,
  isolates,
  places,
}: Measured): string[] {
  const rows: [string, string, string][] = [
    [
      "added latency",
      ms(latency.added),
      `${ms(latency.through)} through Sluice, ${ms(latency.past)} past it (medians)`,
    ],
    [
      "slot idle between requests",
      slotIdle ? ms(slotIdle.median) : "–",
      slotIdle ? `90 % below ${ms(slotIdle.p90)}, of ${slotIdle.gaps}` : "",
    ],
    [
      "hand-overs within one isolate",
      handOvers ? sharePassed(handOvers).toFixed(2) : "–",
      handOvers
        ? `of ${handOvers.all}; ${counted(handOvers.isolates, "isolate")} answered; ${modelled(sharePassed(handOvers))}`
        : "",
    ],
    [
      "round trips of the Worker",
      ms(roundTrip.object),
      `to an object; ${ms(roundTrip.pool)} to the pool, ${ms(roundTrip.server)} to a server`,
    ],
    ["commit of a row", ms(commit), "by how much a call takes longer that writes one"],
    ["calls of one object", `${objectRate}/s`, "each writes a row"],
    ["isolates", String(isolates.seen), `of ${isolates.asked} requests at one moment`],
    [
      "data centres",
      places ? (places.worker ?? "?") : "not run",
      places
        ? `the Worker; an object in ${places.object ?? "?"}, a server in ${places.server ?? "?"}`
        : "needs Cloudflare's network",
    ],
  ];
  const columns: Column<[string, string, string]>[] = [
    { title: "", cell: ([title]) => `  ${title}` },
    { title: "", cell: ([, value]) => value, right: true },
    { title: "", cell: ([, , note]) => ` ${note}` },
  ];
  return table(columns, rows).slice(1);
}

/** What each object did, if the pool is several. */
function shardLines({ shards }: Measured, style: Style, width?: number): string[] {
  if (!shards) return [];
  const { perSecond, besideRoom, each } = shards;
  const columns: Column<ShardReport>[] = [
    { title: "  SHARD", cell: ({ shard }) => `  ${shard}` },
    { title: "SERVERS", cell: ({ servers }) => String(servers), right: true },
    { title: "REQUESTS", cell: ({ requests }) => String(requests), right: true },
    { title: "A SECOND", cell: ({ perSecond }) => perSecond.toFixed(1), right: true },
    { title: "WAIT", cell: ({ waits }) => ms(waits.median), right: true },
    { title: "99 %", cell: ({ waits }) => ms(waits.p99), right: true },
    { title: "OVERLAPS", cell: ({ overlaps }) => String(overlaps), right: true },
  ];
  return [
    "",
    style("bold", `The ${each.length} shards, from the resume on`),
    ...titled(table(columns, each, width), style),
    `  ${perSecond.toFixed(1)} requests a second in all; one waited beside a free server of another shard for ${ms(besideRoom.median)}`,
    `  (median), 99 % for less than ${ms(besideRoom.p99)}, and none for longer than ${ms(besideRoom.longest)}`,
  ];
}

function assumptionLines(assumptions: readonly Assumption[], style: Style, width?: number): string[] {
  const columns: Column<Assumption>[] = [
    { title: "  RESULT", cell: ({ result }) => `  ${style(COLOURS[result], result)}` },
    { title: "ASSUMPTION", cell: ({ title }) => title },
    { title: "ASSUMED", cell: ({ assumed }) => assumed },
    { title: "MEASURED", cell: ({ measured }) => measured ?? "–" },
  ];
  const reasons = new Set(assumptions.filter(({ result }) => result === "not run").flatMap(({ why }) => why));
  return [
    ...titled(table(columns, assumptions, width), style),
    ...[...reasons].map((reason) => style("dim", `  not run: ${reason}`)),
  ];
}

function verdictLine({ acts, held }: Report, style: Style): string {
  const count = (result: Result) => acts.filter((act) => act.result === result).length;
  const notRun = count("not run");
  const rest = notRun > 0 ? `, ${counted(notRun, "act")} not run` : "";
  if (held) return style("green", `No promise was broken: ${counted(count("held"), "act")} held${rest}.`);
  return style("red", `Promises were broken in ${counted(count("did not hold"), "act")}${rest}.`);
}

/** What the model makes of a share of hand-overs within one isolate. */
function modelled(share: number): string {
  return `by the model ${ms(idleMs(share))} idle, all near, and ${(1 - share).toFixed(2)} rows a request`;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
