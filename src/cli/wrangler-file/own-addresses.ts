/** The addresses of the Worker itself. */
import type { Target } from "./target.ts";
import { listOf, tableOf } from "./tree.ts";

export interface OwnAddress {
  kind: "route" | "custom domain" | "workers.dev";
  pattern: string;
  covers: (host: string) => boolean;
}

export function ownAddressesOf(target: Target): OwnAddress[] {
  const routes = [target.inherited("route"), ...listOf(target.inherited("routes"))];
  return [...routes.flatMap(routeOf), ...workersDevOf(target)];
}

function routeOf(route: unknown): OwnAddress[] {
  const { pattern, custom_domain, zone_name } =
    typeof route === "string" ? { pattern: route } : tableOf(route);
  if (typeof pattern !== "string" || pattern === "") return [];
  const [host = ""] = pattern
    .toLowerCase()
    .replace(/^https?:\/\//, "")
    .split(/[/:]/);
  if (custom_domain === true) return [{ kind: "custom domain", pattern, covers: (given) => given === host }];
  const zone = typeof zone_name === "string" ? zone_name.toLowerCase() : null;
  return [{ kind: "route", pattern, covers: (given) => isCovered(given, host, zone) }];
}

/** A route's host may begin with an asterisk, `*.example.com` or `*example.com`, and covers hosts of its zone only. */
function isCovered(given: string, host: string, zone: string | null): boolean {
  if (zone !== null && !isWithin(given, zone)) return false;
  if (!host.startsWith("*")) return given === host;
  const end = host.slice(1);
  if (end.startsWith(".") || zone !== null) return given.endsWith(end);
  return isWithin(given, end);
}

function isWithin(host: string, zone: string): boolean {
  return host === zone || host.endsWith(`.${zone}`);
}

/** `<name>.<account>.workers.dev`; the account is not in the file. */
function workersDevOf(target: Target): OwnAddress[] {
  const name = nameOf(target);
  if (name === null) return [];
  const covers = (host: string) => {
    const [first, , ...rest] = host.split(".");
    return first === name && rest.join(".") === "workers.dev";
  };
  return [{ kind: "workers.dev", pattern: `${name}.<account>.workers.dev`, covers }];
}

/** An environment without a name of its own gets `<name>-<environment>`, as in `sluice-staging`. */
function nameOf(target: Target): string | null {
  const own = target.own("name");
  if (typeof own === "string") return own;
  const top = target.inherited("name");
  return typeof top === "string" && target.environment !== null ? `${top}-${target.environment}` : null;
}
