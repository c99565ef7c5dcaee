/**
 * `npm run watchers`: what a crowd of watchers costs their pool, side by side with none. Servers that answer at
 * once make the pool itself the limit; fails if it loses a tenth.
 */
import { parseArgs } from "node:util";
import bundle from "../support/bundle.ts";
import { Connections } from "../support/connections.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";
import { Audience } from "./audience.ts";

const USAGE =
  "usage: npm run watchers -- [--watchers N] [--rounds N] [--seconds N] [--servers N] [--service-ms N]";
const CLIENTS = 40;

const { watchers, rounds, seconds, servers, serviceMs } = readArguments();
const unbundle = await bundle();
const pool = await SingleFlightPool.start(servers, serviceMs, {}, { bundle: "production" });
try {
  console.log(
    `${CLIENTS} clients, ${servers} servers of ${serviceMs} ms; rounds of ${seconds} s, in requests/s`,
  );
  await throughput(); // Compiled, and connected.
  const without: number[] = [];
  const withThem: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    without.push(await throughput());
    const audience = await Audience.gather(pool.sluice.url, "web", watchers);
    audience.bytes = 0;
    withThem.push(await throughput());
    const perSecond = audience.bytes / seconds / watchers / 1024;
    const present = audience.size;
    await audience.leave();
    if (present < watchers) throw new Error(`only ${present} of ${watchers} watchers stayed`);
    const pair = `${shown(without.at(-1))} alone, ${shown(withThem.at(-1))} with ${watchers} watchers`;
    console.log(`round ${round}: ${pair}, each of which got ${perSecond.toFixed(1)} KiB/s`);
  }
  const [alone, watched] = [median(without), median(withThem)];
  const loss = 100 * (1 - watched / alone);
  console.log(
    `medians: ${shown(alone)} alone, ${shown(watched)} with ${watchers} watchers: ${loss.toFixed(1)} % less`,
  );
  process.exitCode = loss < 10 ? 0 : 1;
} finally {
  await pool.stop();
  await unbundle();
}
process.exit();

/** Requests a second of clients that send their next as soon as they have an answer. */
async function throughput(): Promise<number> {
  const end = Date.now() + seconds * 1000;
  const begun = Date.now();
  let answers = 0;
  const clients = Array.from({ length: CLIENTS }, async () => {
    const client = new Connections(pool.sluice.url, 1);
    while (Date.now() < end) {
      const { status } = await client.get("/");
      if (status !== 200) throw new Error(`a client got ${status}`);
      answers++;
    }
    client.close();
  });
  await Promise.all(clients);
  return (1000 * answers) / (Date.now() - begun);
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (
    ((sorted[Math.floor((sorted.length - 1) / 2)] as number) +
      (sorted[Math.ceil((sorted.length - 1) / 2)] as number)) /
    2
  );
}

function shown(rate = 0): string {
  return rate.toFixed(0).padStart(5);
}

function readArguments() {
  try {
    const text = (value: string) => ({ type: "string", default: value }) as const;
    const { values } = parseArgs({
      options: {
        watchers: text("500"),
        rounds: text("5"),
        seconds: text("6"),
        servers: text("10"),
        "service-ms": text("1"),
      },
    });
    const numbers = {
      watchers: Number(values.watchers),
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      servers: Number(values.servers),
      serviceMs: Number(values["service-ms"]),
    };
    if (Object.values(numbers).every((number) => number > 0)) return numbers;
  } catch {
    // Said below.
  }
  console.error(USAGE);
  process.exit(64);
}
