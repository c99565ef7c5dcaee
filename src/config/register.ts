/** The key `register` of a pool: which servers may come by themselves, at run time. */
import * as z from "zod/mini";
import { errorOption, table, text, whole } from "./fields.ts";
import { readHost } from "./hosts.ts";
import { MOST_SERVERS } from "./limits.ts";
import { bindingName, parseUrl } from "./names.ts";
import type { RegisterConfig, ServerAddress } from "./types.ts";

const ANY = "*";
const MOST_PATTERNS = 100;
const USUAL_MAX = 100;

const PATTERN = /^(?:\*|https?:\/\/[^\s/\\?#@]+\/?)$/i;
const PARTS = /^(https?:\/\/)([^/:]+)((?::\d+)?)\/?$/;
const ADDRESS = /^(?:(?:\d{1,3}|\*)\.){3}(?:\d{1,3}|\*)$/;

const PATTERN_ALLOWED =
  'an origin, "https://*.gpu.example.com" for any subdomain, "http://10.0.*.*:8000" for any number of an IPv4 address, or "*"';

const keys = table({
  urls: patterns(),
  binding: z.optional(bindingName()),
  max: z._default(whole(1, MOST_SERVERS), USUAL_MAX),
});

export const registerKeys = z.pipe(
  keys,
  z.transform(({ urls, binding, max }): RegisterConfig => ({ urls, binding: binding ?? null, max })),
);

function patterns() {
  const onError = errorOption(
    "is not a list of origins",
    `a list of 1 to ${MOST_PATTERNS}, each ${PATTERN_ALLOWED}`,
  );
  const pattern = text(readPattern, "is not an origin, nor a pattern of such", PATTERN_ALLOWED, {
    pattern: PATTERN,
  });
  return z.array(pattern, onError).check(z.minLength(1, onError), z.maxLength(MOST_PATTERNS, onError));
}

/** Returns it as `URL` spells origins. */
function readPattern(given: string): string | undefined {
  if (given === ANY) return ANY;
  if (!PATTERN.test(given)) return undefined;
  if (!given.includes("*")) return parseUrl(given)?.origin;
  const [, scheme = "", host = "", port = ""] = PARTS.exec(given.toLowerCase()) ?? [];
  const known = ADDRESS.test(host) ? readOctets(host) : readSubdomains(host);
  // URL leaves out the port that the scheme has anyway, and refuses an impossible one.
  const usual = known && parseUrl(`${scheme}server${port}`)?.port;
  return usual === undefined ? undefined : `${scheme}${known}${usual && `:${usual}`}`;
}

function readOctets(host: string): string | undefined {
  const isOctet = (one: string) => one === ANY || (Number(one) < 256 && String(Number(one)) === one);
  return host.split(".").every(isOctet) ? host : undefined;
}

function readSubdomains(host: string): string | undefined {
  const parent = host.startsWith("*.") ? readHost(host.slice(2)) : undefined;
  // URL takes numbers alone for an address.
  return parent === undefined || /(?:^|\.)\d+$/.test(parent) || parent.startsWith("[")
    ? undefined
    : `*.${parent}`;
}

/** True if a server may register that is at this origin, and reached in this way. */
export function mayRegister(register: RegisterConfig | null, { url, binding }: ServerAddress): boolean {
  if (register === null || register.binding !== binding) return false;
  return register.urls.some((pattern) => pattern === ANY || pattern === url || matches(pattern, url));
}

function matches(pattern: string, url: string): boolean {
  if (!pattern.includes(ANY)) return false;
  const host = pattern.slice(pattern.indexOf("//") + 2).replace(/:\d+$/, "");
  const wild = ADDRESS.test(host) ? "\\d{1,3}" : ".+";
  const literals = pattern.split(ANY).map((literal) => literal.replaceAll(".", "\\."));
  return new RegExp(`^${literals.join(wild)}$`).test(url);
}
