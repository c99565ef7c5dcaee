/** Servers that a request may not reach, or not as expected, because of Cloudflare or of the network. */
import { inspect } from "../../config/problem.ts";
import type { PoolConfig, ServerConfig } from "../../config/types.ts";
import { sectionOf } from "./bindings.ts";
import { type OwnAddress, ownAddressesOf } from "./own-addresses.ts";
import { poolPath } from "./pools.ts";
import type { Target } from "./target.ts";
import { listOf } from "./tree.ts";

export function checkServers(target: Target, pools: readonly PoolConfig[]): void {
  const addresses = ownAddressesOf(target);
  const strictlyPublic = listOf(target.inherited("compatibility_flags")).includes(
    "global_fetch_strictly_public",
  );
  for (const { name, hosts, servers, hostHeader } of pools) {
    const atAddresses: number[] = [];
    for (const [index, { url, binding }] of servers.entries()) {
      if (binding !== null && hostHeader === "client") {
        const path = [...poolPath(target, name), "servers", index, "binding"];
        target.warn(
          path,
          'servers behind a binding see the host of their `url`: host_header = "client" does nothing',
        );
      }
      // A certificate is shown to a server of the public internet.
      if (binding !== null && sectionOf(target, binding) !== "mtls_certificates") continue;
      const { protocol, hostname } = new URL(url);
      if (isAddress(hostname)) {
        atAddresses.push(index);
        continue;
      }
      const own = addresses.find(({ covers }) => covers(hostname));
      const warning = own
        ? comesBack(hostname, own, strictlyPublic)
        : (unreachable(hostname) ?? isServed(hostname, hosts) ?? inTheClear(protocol, hostname));
      if (warning !== null) target.warn([...poolPath(target, name), "servers", index, "url"], warning);
    }
    warnOfAddresses(target, name, servers, atAddresses);
  }
}

/** Once for a pool: a line for each of its servers would hide what else is wrong. */
function warnOfAddresses(
  target: Target,
  pool: string,
  servers: readonly ServerConfig[],
  indices: readonly number[],
): void {
  const path = [...poolPath(target, pool), "servers"];
  const [first, ...others] = indices.flatMap((index) => servers[index] ?? []);
  if (first === undefined) return;
  const refused = "which Cloudflare refuses (error 1003)";
  const works = "with wrangler dev and sluice serve only";
  if (others.length === 0) {
    const address = inspect(new URL(first.url).hostname);
    target.warn(
      [...path, indices[0] ?? 0, "url"],
      `${address} is an IP address, ${refused}: it works ${works}; name the server`,
    );
    return;
  }
  const names = [first, ...others].map(({ name }) => name).join(", ");
  target.warn(
    path,
    `the URLs of ${indices.length} servers have IP addresses, ${refused}: they work ${works}; give them host names: ${names}`,
  );
}

/** As Cloudflare documents it (Workers, Routes and domains; compatibility flags), autumn 2026. */
function comesBack(hostname: string, { kind, pattern }: OwnAddress, strictlyPublic: boolean): string {
  const advice = "give the server a host name of its own";
  if (kind !== "route") {
    const what = kind === "workers.dev" ? "workers.dev address" : "custom domain";
    return `${inspect(hostname)} is this Worker's own ${what}: no server is behind it, a request to it fails or comes back to Sluice; ${advice}`;
  }
  const is = `${inspect(hostname)} is on this Worker's own route ${inspect(pattern)}`;
  if (strictlyPublic) {
    return `${is}: with global_fetch_strictly_public a request to it comes back to Sluice, in a loop; ${advice}`;
  }
  return `${is}: a request that came in by the same zone goes past Sluice to whatever DNS holds for that name, any other comes back to Sluice, in a loop; ${advice}`;
}

/** For exact names only: a pattern in `hosts` may well cover a server that has a name of its own. */
function isServed(hostname: string, hosts: readonly string[]): string | null {
  if (!hosts.includes(hostname)) return null;
  return `${inspect(hostname)} is among this pool's own hosts: where Sluice answers at that name, a request to it comes back to Sluice or goes past it; give the server a host name of its own`;
}

function unreachable(hostname: string): string | null {
  if (isLocalhost(hostname)) {
    return `${inspect(hostname)} is a server for wrangler dev and sluice serve only: on Cloudflare there is none where the Worker runs`;
  }
  if (isPrivate(hostname)) {
    return `${inspect(hostname)} is a private name, which Cloudflare does not find: reach the server by a binding, or by a public name; wrangler dev and sluice serve take it as it is`;
  }
  return null;
}

function inTheClear(protocol: string, hostname: string): string | null {
  if (protocol !== "http:" || isPrivate(hostname)) return null;
  return `http: to ${inspect(hostname)} goes through the public internet in the clear, for all on the way to read and change; use https:`;
}

/** True for a name that only a private network resolves. */
export function isPrivate(hostname: string): boolean {
  return !hostname.includes(".") || /\.(internal|local)$/.test(hostname);
}

/** True for a host that a deployed Worker does not reach: an address, or the machine itself. */
export function isForDevelopment(hostname: string): boolean {
  return isAddress(hostname) || isLocalhost(hostname);
}

function isLocalhost(hostname: string): boolean {
  return /(^|\.)localhost$/.test(hostname);
}

/** URL normalises every spelling of an IPv4 address to four numbers, and puts IPv6 into brackets. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^\d+(\.\d+){3}$/.test(hostname);
}
