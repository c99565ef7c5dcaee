/** The key `check` of a pool: one for all its servers. */
import type { Value } from "../pool-table.ts";
import { type Asked, passing } from "./check.ts";
import { readTime } from "./durations.ts";
import type { Remarks } from "./remarks.ts";
import { type Line, last } from "./sections.ts";
import type { CheckTimes, Server } from "./servers.ts";

interface Sources {
  head: Line;
  backend: readonly Line[];
  servers: readonly Server[];
  asked: Asked;
}

export function checkOf({ head, backend, servers, asked }: Sources, remarks: Remarks): [string, Value][] {
  const checked = servers.filter(({ check }) => check !== null);
  const timeout = last(backend, "timeout check");
  const [first] = checked;
  if (first === undefined) {
    for (const line of [asked.line, timeout])
      if (line) remarks.add(line, "unneeded", "no server has `check`");
    return [];
  }
  const times = first.check as CheckTimes;
  for (const { line, check } of checked) {
    if (JSON.stringify(check) !== JSON.stringify(times)) {
      remarks.add(line, "changed", `a pool has one check for all; that of line ${first.line.number} counts`);
    }
  }
  if (checked.length < servers.length)
    remarks.add(head, "changed", "all servers are checked, those without `check` too");
  if (asked.line === null) {
    remarks.add(
      head,
      "changed",
      "checks that only connect are now GET /, where any answer passes; name a path that is no work",
    );
  }
  const port = asked.port ?? portOf(checked, remarks);
  const check = {
    path: asked.path,
    method: asked.method === "GET" ? undefined : asked.method,
    port,
    host: asked.host,
    interval: times.interval,
    timeout: timeout && readTime(timeout, "check.timeout", remarks),
    rise: times.rise,
    fall: times.fall,
    ...passing(asked.expected),
    // As HAProxy's, that are not counted by `maxconn`: what answers at another port does so beside the work.
    slot: port === undefined ? undefined : false,
  };
  const given = Object.entries(check).filter(
    (entry): entry is [string, string | number | boolean] => entry[1] !== undefined,
  );
  return [["check", Object.fromEntries(given)]];
}

/** `undefined`: checks go where requests go. */
function portOf(checked: readonly Server[], remarks: Remarks): number | undefined {
  const first = checked.find(({ checkPort }) => checkPort !== null);
  if (!first) return undefined;
  const port = first.checkPort as number;
  for (const { name, line, checkPort } of checked) {
    if (checkPort === port) remarks.add(line, "became", `check.port = ${port}, without a slot`);
    else {
      const all = `a pool has one check port for all, that of line ${first.line.number}`;
      const wrong = `${JSON.stringify(name)} would be checked at port ${port}, where it may not answer, or another server does`;
      const cure = "take `port` out of `check` if each answers at its own, or put it into a pool of its own";
      remarks.add(line, "lost", `${all}: ${wrong}; ${cure}`);
    }
  }
  return port;
}
