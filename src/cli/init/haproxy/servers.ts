/** `server` and `default-server` lines. */
import { MOST_SERVERS, ROW, SHORTEST_INTERVAL, SLOTS, WEIGHT } from "../../../config/limits.ts";
import { isName, origin } from "../../../config/names.ts";
import { parseDuration } from "../../../config/units.ts";
import type { ServerTable } from "../pool-table.ts";
import { readDuration } from "./durations.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";
import { SERVER_WORDS } from "./server-words.ts";

const [LEAST_SLOTS, MOST_SLOTS] = SLOTS;
const [LEAST_WEIGHT, MOST_WEIGHT] = WEIGHT;
const [SHORTEST_ROW, LONGEST_ROW] = ROW;
const SHORTEST_INTERVAL_MS = parseDuration(SHORTEST_INTERVAL);

export interface Server extends ServerTable {
  slots: number;
  line: Line;
  check: CheckTimes | null;
  /** Where checks go; `null`: where requests do. */
  checkPort: number | null;
  /** As HAProxy has it. */
  slowStart: string | null;
}

/** As the keys of `check` have them; `undefined`: HAProxy's default, which is Sluice's too. */
export interface CheckTimes {
  interval: string | undefined;
  rise: number | undefined;
  fall: number | undefined;
}

/** What the words of a line say, those of the `default-server` lines before it first. */
interface Settings {
  flags: Set<string>;
  values: Map<string, string>;
}

/** `lines`: of a backend, those of its defaults first. */
export function readServers(lines: readonly Line[], remarks: Remarks): Server[] {
  const defaults: Settings = { flags: new Set(), values: new Map() };
  const above: Line[] = [];
  const servers: Server[] = [];
  for (const line of lines) {
    const [keyword] = line.words;
    if (keyword === "default-server") {
      collect(line, line.words.slice(1), defaults, remarks);
      above.push(line);
    } else if (keyword === "server") {
      for (const one of above)
        if (!remarks.has(one)) remarks.add(one, "became", "counts for each server below it");
      const server = serverOf(line, defaults, servers, remarks);
      if (server) servers.push(server);
    } else if (keyword === "server-template") {
      remarks.add(
        line,
        "lost",
        "servers are named one by one, or register themselves (`sluice register`); they are not found in DNS",
      );
    }
  }
  return servers;
}

function collect(line: Line, words: readonly string[], into: Settings, remarks: Remarks): void {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    const known = SERVER_WORDS.get(word);
    const value = words[at + 1] ?? "";
    if (known === undefined) remarks.add(line, "lost", `\`${word}\`: Sluice knows nothing like it`);
    else {
      at += known.values;
      if (known.why) remarks.add(line, known.why[0], `\`${word}\`: ${known.why[1]}`);
      else if (known.values === 1) into.values.set(word, value);
      else if (known.undoes) into.flags.delete(known.undoes);
      else into.flags.add(word);
    }
  }
}

function serverOf(line: Line, defaults: Settings, others: Server[], remarks: Remarks): Server | undefined {
  const [, givenName = "", address = "", ...words] = line.words;
  const settings: Settings = { flags: new Set(defaults.flags), values: new Map(defaults.values) };
  collect(line, words, settings, remarks);
  if (settings.flags.has("disabled")) {
    remarks.add(line, "changed", "left out: it is disabled; put it in when it is to work");
    return undefined;
  }
  if (others.length === MOST_SERVERS) {
    remarks.add(line, "lost", `a pool has at most ${MOST_SERVERS} servers`);
    return undefined;
  }
  const url = urlOf(line, address, settings.flags.has("ssl"), remarks);
  if (url === undefined) return undefined;
  const slots = slotsOf(line, settings, remarks);
  const twin = others.find((other) => other.url === url);
  if (twin) {
    twin.slots = Math.min(MOST_SLOTS, twin.slots + slots);
    remarks.add(line, "changed", `has the address of ${twin.name}, whose slots are now ${twin.slots}`);
    return undefined;
  }
  const name = freeName(
    givenName,
    others.map((other) => other.name),
  );
  if (name !== givenName) remarks.add(line, "changed", `its name is now ${JSON.stringify(name)}`);
  const backup = settings.flags.has("backup");
  const weight = weightOf(line, settings, remarks);
  const more = [
    ...(backup ? ["a backup"] : []),
    ...(weight === 0 ? ["weight 0: it gets no new requests"] : []),
  ];
  remarks.add(line, "became", [`server ${JSON.stringify(name)}`, url, ...more].join(", "));
  const check = settings.flags.has("check") ? checkTimesOf(line, settings, remarks) : null;
  return {
    line,
    name,
    url,
    slots,
    check,
    checkPort: check === null ? null : portOf(line, settings, remarks),
    slowStart: settings.values.get("slowstart") ?? null,
    ...(weight === 1 ? {} : { weight }),
    ...(backup ? { backup } : {}),
  };
}

function urlOf(line: Line, address: string, isTls: boolean, remarks: Remarks): string | undefined {
  const plain = address.replace(/^(ipv4|ipv6|tcp4?|tcp6)@/, "");
  // The last colon is the port's, also of an IPv6 address without brackets.
  const [, host = plain, port = ""] = /^(.*):([+-]?\d*)$/.exec(plain) ?? [];
  const bracketed = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const scheme = isTls ? "https" : "http";
  const parsed = origin().safeParse(`${scheme}://${bracketed}${/^\d+$/.test(port) ? `:${port}` : ""}`);
  if (!parsed.success) {
    remarks.add(line, "lost", `${JSON.stringify(address)} is no host with a port, which a server has to be`);
    return undefined;
  }
  if (!/^\d+$/.test(port)) {
    remarks.add(
      line,
      "changed",
      `has no port of its own; ${isTls ? 443 : 80} is taken, and not the client's`,
    );
  }
  return parsed.data;
}

function slotsOf(line: Line, { values }: Settings, remarks: Remarks): number {
  const given = Number(values.get("maxconn") ?? 0);
  if (given >= LEAST_SLOTS && given <= MOST_SLOTS) return Math.floor(given);
  const why = values.has("maxconn")
    ? `maxconn ${values.get("maxconn")}`
    : "no maxconn, so HAProxy sets no limit";
  remarks.add(line, "changed", `${why}; ${MOST_SLOTS} slots are the most here: say how many it bears`);
  return MOST_SLOTS;
}

function weightOf(line: Line, { values }: Settings, remarks: Remarks): number {
  const given = values.get("weight");
  const weight = Number(given ?? 1);
  if (Number.isInteger(weight) && weight >= LEAST_WEIGHT && weight <= MOST_WEIGHT) return weight;
  remarks.add(line, "changed", `weight ${given}: it is ${LEAST_WEIGHT} to ${MOST_WEIGHT}`);
  return 1;
}

function portOf(line: Line, { values }: Settings, remarks: Remarks): number | null {
  const given = values.get("port");
  if (given === undefined) return null;
  const port = Number(given);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  remarks.add(line, "lost", `port ${given}: it is 1 to 65535`);
  return null;
}

function checkTimesOf(line: Line, { values }: Settings, remarks: Remarks): CheckTimes {
  const given = values.get("inter");
  const inter = readDuration(given, SHORTEST_INTERVAL_MS);
  if (inter?.change ?? (given !== undefined && inter === undefined)) {
    remarks.add(line, "changed", `inter ${given}: ${inter?.change ?? "it is no time"}`);
  }
  return { interval: inter?.text, rise: countOf("rise"), fall: countOf("fall") };

  function countOf(name: string): number | undefined {
    const count = Number(values.get(name) ?? Number.NaN);
    if (Number.isInteger(count) && count >= SHORTEST_ROW && count <= LONGEST_ROW) return count;
    if (values.has(name)) {
      const allowed = `it is ${SHORTEST_ROW} to ${LONGEST_ROW}`;
      remarks.add(line, "changed", `${name} ${values.get(name)}: ${allowed}`);
    }
    return undefined;
  }
}

/** A name that Sluice takes, and that nobody else has. */
export function freeName(given: string, taken: readonly string[]): string {
  const plain = given
    .replaceAll(/[^A-Za-z0-9._-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 56);
  const base = isName(plain) ? plain : "server";
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!taken.includes(name)) return name;
  }
}
