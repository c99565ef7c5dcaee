/**
 * `npm run watchers`: what a crowd of watchers costs their pool, side by side with none. Servers that answer at
 * once make the pool itself the limit; fails if it loses a tenth, or if a watcher gets much less than a snapshot a second.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import bundle from "../support/bundle.ts";
import { Connections } from "../support/connections.ts";
import { SingleFlightPool } from "../support/single-flight-pool.ts";
import { Audience } from "./audience.ts";

const USAGE =
  "usage: npm run watchers -- [--watchers N] [--rounds N] [--seconds N] [--servers N] [--service-ms N]";
const CLIENTS = 40;
/** Snapshots a second, where one is promised: nineteen of twenty watchers get so many in each short round. */
const LEAST = 0.75;

const { watchers, rounds, seconds, servers, serviceMs } = readArguments();
const unbundle = await bundle();
const pool = await SingleFlightPool.start(servers, serviceMs, {}, { bundle: "production" });
try {
  console.log(`${CLIENTS} clients, ${servers} servers of ${serviceMs} ms, rounds of ${seconds} s`);
  await measure(); // Compiled, and connected.
  const alone: Load[] = [];
  /** Of each watcher in each round. */
  const spread: number[] = [];
  const watched: Load[] = [];
  for (let round = 1; round <= rounds; round++) {
    // In turns, so that neither gains from a machine that gets busier or less so.
    if (round % 2 === 1) alone.push(await measure());
    watched.push(await measureWatched(spread));
    if (round % 2 === 0) alone.push(await measure());
    console.log(
      `round ${round}: ${shown(alone.at(-1))} alone; ${shown(watched.at(-1))} with ${watchers} watchers`,
    );
  }
  // Within each round: between two, the machine itself may have got faster or slower.
  const ratio = (of: (load: Load) => number) =>
    median(watched.map((load, round) => of(load) / of(alone[round] as Load)));
  const loss = 100 * (1 - ratio(({ perSecond }) => perSecond));
  // What others do on the machine makes requests slower, but hardly costlier.
  const more = 100 * (ratio(({ cpuMs }) => cpuMs) - 1);
  console.log(
    `medians of the rounds, with ${watchers} watchers: ${loss.toFixed(1)} % fewer requests a second`,
  );
  console.log(`         ${more.toFixed(1)} % more CPU a request`);
  const each = spread.toSorted((a, b) => a - b);
  const [fewest = 0, few = 0, most = 0] = [each[0], each[Math.floor(each.length / 20)], each.at(-1)];
  const got = `${median(each).toFixed(2)}; ${fewest.toFixed(2)} to ${most.toFixed(2)}`;
  console.log(
    `         snapshots a second that a watcher got: ${got}, one in twenty ${few.toFixed(2)} or fewer`,
  );
  process.exitCode = loss < 10 && few >= LEAST ? 0 : 1;
} finally {
  await pool.stop();
  await unbundle();
}
process.exit();

interface Load {
  perSecond: number;
  /** Of workerd, a request. */
  cpuMs: number;
}

/** What the pool can do for clients that send their next request as soon as they have an answer. */
async function measure(): Promise<Load> {
  const [begun, cpuBefore] = [Date.now(), await cpuMsOf(pool.sluice.pid)];
  const end = begun + seconds * 1000;
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
  const cpuMs = (await cpuMsOf(pool.sluice.pid)) - cpuBefore;
  return { perSecond: (1000 * answers) / (Date.now() - begun), cpuMs: cpuMs / answers };
}

async function measureWatched(spread: number[]): Promise<Load> {
  const audience = await Audience.gather(pool.sluice.url, "web", watchers);
  audience.begin();
  const begun = Date.now();
  const load = await measure();
  const tookS = (Date.now() - begun) / 1000;
  const present = audience.size;
  spread.push(...audience.snapshots.map((count) => count / tookS));
  await audience.leave();
  if (present < watchers) throw new Error(`only ${present} of ${watchers} watchers stayed`);
  return load;
}

/** Linux counts it in hundredths of a second. */
async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // Behind the name, which may hold anything, the 12th and 13th field: in user mode and in the kernel.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
}

function shown({ perSecond, cpuMs }: Load = { perSecond: 0, cpuMs: 0 }): string {
  return `${perSecond.toFixed(0).padStart(5)} requests/s, ${cpuMs.toFixed(3)} ms of CPU each`;
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
