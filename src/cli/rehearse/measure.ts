import type { TimesReport } from "../../rehearsal/messages.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import type { Slots } from "./acts/drain.ts";
import { keptConnections, said, send } from "./http.ts";
import type { Rehearsal } from "./rehearsal.ts";
import type { Measured } from "./report.ts";
import { median, quantile } from "./statistics.ts";

const ISOLATES_ASKED = 20;
const RATES_AT_ONCE = 4;

/** `slots`: what was seen of them under load. */
export async function measure(rehearsal: Rehearsal, { gaps, handOvers, shards }: Slots): Promise<Measured> {
  const { stage, probe, sizes } = rehearsal;
  const latency = await measureLatency(rehearsal);
  const times: TimesReport[] = [];
  for (let n = 0; n < Math.ceil(sizes.samples / 4); n++) times.push(await probe.times());
  const of = (kind: "call" | "write" | "pool" | "server") => median(times.map((time) => time[kind]));
  const rates = await Promise.all(Array.from({ length: RATES_AT_ONCE }, () => probe.rate()));
  const isolates = await Promise.all(Array.from({ length: ISOLATES_ASKED }, () => probe.isolate()));
  return {
    latency,
    slotIdle:
      gaps.length === 0 ? null : { median: median(gaps), p90: quantile(gaps, 0.9) ?? 0, gaps: gaps.length },
    handOvers,
    shards,
    roundTrip: { object: of("call"), pool: of("pool"), server: of("server") },
    commit: Math.max(0, of("write") - of("call")),
    objectRate: rateOf(rates, of("write")),
    isolates: { asked: isolates.length, seen: new Set(isolates.map(({ isolate }) => isolate)).size },
    // Elsewhere there is nothing to find out, and nothing but loopback to be asked.
    places: stage.where === "local" ? null : await probe.places(),
  };
}

/** A request through Sluice, and one to the same server past it, in turn on one connection. */
async function measureLatency({ stage, probe, sizes, headers }: Rehearsal): Promise<Measured["latency"]> {
  const agent = keptConnections(stage.url);
  const timed = async (url: string) => {
    const startedAt = performance.now();
    const answer = await send(url, { headers, agent });
    if (answer.status !== 200) throw new CliError(EXIT.unexpected, `${url} answered ${said(answer)}`);
    return { ms: performance.now() - startedAt, server: String(answer.headers["x-served-by"]) };
  };
  const pairs: { through: number; past: number }[] = [];
  try {
    for (let n = 0; n <= sizes.samples; n++) {
      const through = await timed(`${stage.url}/latency/${n}`);
      const past = await timed(probe.directUrl(through.server));
      pairs.push({ through: through.ms, past: past.ms });
    }
  } finally {
    agent.destroy();
  }
  // The first has opened the connection.
  const counted = pairs.slice(1);
  return {
    through: median(counted.map(({ through }) => through)),
    past: median(counted.map(({ past }) => past)),
    added: median(counted.map(({ through, past }) => through - past)),
  };
}

/** Several bursts at one moment; one call's own time is not the object's. */
function rateOf(rates: readonly { calls: number; ms: number }[], writeMs: number): number {
  const calls = rates.reduce((sum, rate) => sum + rate.calls, 0);
  const longest = Math.max(...rates.map(({ ms }) => ms)) - writeMs;
  return Math.round((1_000 * calls) / Math.max(1, longest));
}
