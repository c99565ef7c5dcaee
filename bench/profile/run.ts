/** `npm run bench:profile`: where the time of a request goes, and what it sends and writes. */
import { copyFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { run } from "../load/load.ts";
import { takeCounts } from "../measure/counts.ts";
import { findGear, type Gear } from "../measure/gear.ts";
import { cleanUpOnExit, shareOutCores } from "../processes.ts";
import { Servers } from "../servers/servers.ts";
import { startSluice } from "../subjects/sluice.ts";
import { Inspector, selfTimes } from "./inspector.ts";

const USAGE =
  "usage: npm run bench:profile -- [--connections N] [--servers N] [--service MS] [--seconds N] [--save folder]";
const TOP = 30;

const { connections, servers: serverCount, service, seconds, save } = argumentsOrExit();
cleanUpOnExit();
const gear = await findGear(shareOutCores(), { readable: true });
const servers = await Servers.start(serverCount);
await servers.work(service);
/** Of servers that do one thing at a time, where that takes a time. */
const path = service > 0 ? "/work" : "/";
await profile(servers, gear);
await countMessages(servers, gear);
process.exit(0);

async function profile({ urls }: Servers, gear: Gear): Promise<void> {
  const sluice = await startSluice(urls, gear.bundles, { flags: ["--inspector-addr=127.0.0.1:0"] });
  const load = { url: sluice.url + path, connections };
  await run({ ...load, seconds: 2 }, gear);
  const inspector = await Inspector.connect(sluice.inspectorUrl, "main");
  await inspector.startProfile();
  const { requests, seconds: took } = await run({ ...load, seconds }, gear);
  const found = await inspector.stopProfile();
  inspector.close();
  console.log(
    `${connections} connections, ${urls.length} servers of ${service} ms: ${Math.round(requests / took)} requests/s, profiled`,
  );
  console.log("self time, of Sluice's bundle unless in parentheses; (program) is the runtime's own code:");
  for (const { name, share } of selfTimes(found).slice(0, TOP)) {
    console.log(`  ${(share * 100).toFixed(1).padStart(5)} %  ${name}`);
  }
  if (save) {
    // Chrome's developer tools open the one and name lines of the other.
    writeFileSync(`${save}/sluice.cpuprofile`, JSON.stringify(found));
    copyFileSync(gear.bundles.sluice, `${save}/index.js`);
  }
  await sluice.stop();
}

async function countMessages({ urls }: Servers, gear: Gear): Promise<void> {
  const sluice = await startSluice(urls, gear.bundles, { bundle: "counted" });
  await run({ url: sluice.url + path, connections, seconds }, gear);
  const counts = await takeCounts(sluice);
  console.log("\nfor each request:");
  for (const [what, count] of Object.entries(counts).sort()) {
    if (what !== "requests") console.log(`  ${(count / (counts.requests ?? 1)).toFixed(3)}  ${what}`);
  }
  await sluice.stop();
}

function argumentsOrExit() {
  try {
    const { values } = parseArgs({
      options: {
        connections: { type: "string", default: "40" },
        servers: { type: "string", default: "64" },
        service: { type: "string", default: "0" },
        seconds: { type: "string", default: "5" },
        save: { type: "string" },
      },
    });
    const [connections = 0, servers = 0, service = 0, seconds = 0] = [
      values.connections,
      values.servers,
      values.service,
      values.seconds,
    ].map(Number);
    const isCount = [connections, servers].every((one) => Number.isInteger(one) && one > 0);
    if (isCount && service >= 0 && seconds > 0)
      return { connections, servers, service, seconds, save: values.save };
  } catch {
    // Said below.
  }
  console.error(USAGE);
  process.exit(64);
}
