/** What a user may say of a project, and what is made of it. */
import { readHost } from "../../config/hosts.ts";
import { SLOTS } from "../../config/limits.ts";
import { isName, NAME_ALLOWED, origin, requestPath } from "../../config/names.ts";
import type { PoolTable, ServerTable } from "./pool-table.ts";

/** Each throws an Error that says what is allowed. */
export const READ = {
  host(given: string): string {
    const host = readHost(given.toLowerCase());
    if (host === undefined) throw new Error("Allowed is a host name without scheme, port or path.");
    return host;
  },
  server(given: string): string {
    // `my-queue` is rather the folder, which stands behind the servers.
    if (/^[^.:[]+$/.test(given))
      throw new Error(`Allowed is a URL, or a host name with a dot: "http://${given}".`);
    const result = origin().safeParse(given.includes("://") ? given : `https://${given}`);
    if (!result.success) throw new Error(`Allowed is "https://web-1.example.com", without a path.`);
    return result.data;
  },
  path(given: string): string {
    const result = requestPath().safeParse(given);
    if (!result.success) throw new Error('Allowed is a path that begins with "/".');
    return result.data;
  },
  slots(given: string): number {
    const slots = /^\d+$/.test(given) ? Number(given) : 0;
    const [least, most] = SLOTS;
    if (slots < least || slots > most) {
      throw new Error(`Allowed is a whole number from ${least} to ${most}.`);
    }
    return slots;
  },
  pool(given: string): string {
    if (!isName(given)) throw new Error(`Allowed is ${NAME_ALLOWED}.`);
    return given;
  },
  worker(given: string): string {
    if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(given)) {
      throw new Error("Allowed is 1 to 63 of a-z 0-9 -, with no - at either end.");
    }
    return given;
  },
};

export interface PoolAnswers {
  pool: string;
  /** `undefined`: all hosts. */
  host: string | undefined;
  servers: readonly string[];
  slots: number;
  /** The path of a health check. */
  check: string | undefined;
}

const EXAMPLES = ["https://web-1.example.com", "https://web-2.example.com"];

export function poolTableOf({ pool, host, servers, slots, check }: PoolAnswers): PoolTable {
  const urls = [...new Set(servers.length > 0 ? servers : EXAMPLES)];
  return {
    name: pool,
    comments: servers.length > 0 ? [] : ["Your servers, each with as many requests at once as it has slots."],
    hosts: [host ?? "*"],
    servers: namedServers(urls, pool),
    keys: [
      ["slots", slots],
      ...(check === undefined ? [] : [["check", { path: check }] satisfies [string, { path: string }]]),
    ],
  };
}

/** Named after the first part of their hosts, `web-1.example.com`, where that tells them apart. */
function namedServers(urls: readonly string[], pool: string): ServerTable[] {
  const firsts = urls.map((url) => new URL(url).hostname.split(".")[0] ?? "");
  const areNames =
    firsts.every((name) => isName(name) && !/^\d+$/.test(name)) && new Set(firsts).size === urls.length;
  return urls.map((url, index) => ({
    name: areNames ? (firsts[index] as string) : `${pool}-${index + 1}`,
    url,
  }));
}
