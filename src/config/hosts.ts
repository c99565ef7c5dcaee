/** The key `hosts`: patterns for the host of a request. */
import * as z from "zod/mini";
import { errorOption, text } from "./fields.ts";
import { parseUrl } from "./names.ts";

const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);
const IPV6 = /^\[[0-9a-f:.]+\]$/;

/** Text that URL may take for a host: it takes other characters for other parts of a URL, or decodes them. */
export const HOST = /^(?:[^/\\:@?#%*\s]+|\[[0-9A-Fa-f:.]+\])$/;
const PATTERN = /^(?:\*|(?:\*\.)?[^/\\:@?#%*\s]+|\[[0-9A-Fa-f:.]+\])$/;

const PATTERN_ALLOWED = 'a host name, "*.example.com" or "*", without scheme, port or path';

export function hostPatterns() {
  const onError = errorOption("is not a list of hosts", `a list with at least one of: ${PATTERN_ALLOWED}`);
  const pattern = text(readPattern, verdict, PATTERN_ALLOWED, { pattern: PATTERN });
  return z.array(pattern, onError).check(z.minLength(1, onError));
}

function readPattern(given: string): string | undefined {
  const lower = given.toLowerCase();
  if (lower === "*") return lower;
  if (!lower.startsWith("*.")) return readHost(lower);
  const parent = readHost(lower.slice(2));
  return parent === undefined || IPV6.test(parent) ? undefined : `*.${parent}`;
}

/** A host as the URL of a request spells it: `bücher.example` as `xn--bcher-kva.example`. */
export function readHost(given: string): string | undefined {
  if (!HOST.test(given)) return undefined;
  const host = parseUrl(`http://${given}`)?.hostname ?? "";
  return NAME.test(host) || IPV6.test(host) ? host : undefined;
}

function verdict(given: unknown): string {
  if (typeof given !== "string") return "is not a host";
  if (given.includes("://")) return "has a scheme";
  if (given.includes("/")) return "has a path";
  if (/:\d*$/.test(given)) return "has a port";
  return "is not a host";
}
