/** Names, paths and URLs. */
import * as z from "zod/mini";
import { errorOption, listOr, text } from "./fields.ts";

export const NAME_ALLOWED = "1 to 63 of a-z A-Z 0-9 . _ -, beginning with a letter or a digit";

/** A pool's name is also its Durable Object's, and both kinds of name are part of admin routes. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** The name of a header or a cookie, as the text of a pattern (RFC 9110, RFC 6265). */
export const TOKEN = "[\\w!#$%&'*+.^`|~-]{1,200}";

export function isName(given: string): boolean {
  return NAME.test(given);
}

export const serverName = () => name("is not a server name");
export const poolName = () => name("is not a pool name");

function name(verdict: string) {
  return text((given) => (isName(given) ? given : undefined), verdict, NAME_ALLOWED, { pattern: NAME });
}

/** The name of a binding or a secret in the Worker's environment. */
export function bindingName() {
  const pattern = /^[A-Za-z_$][\w$]{0,127}$/;
  return text(
    (given) => (pattern.test(given) ? given : undefined),
    "is not a binding's name",
    "a name as it stands in wrangler.toml, a JavaScript identifier",
    { pattern },
  );
}

/** Scheme, host and port of a URL. */
export function origin() {
  // URL alone would accept "https:a", a trailing space, or an empty "?".
  const pattern = /^https?:\/\/[^\s/\\?#@]+\/?$/i;
  return text(
    (given) => {
      if (!pattern.test(given)) return undefined;
      return hasWildcard(given) ? undefined : parseUrl(given)?.origin;
    },
    (given) =>
      hasWildcard(given) ? "has a wildcard, which would match nothing: name each host" : "is not an origin",
    '"http://" or "https://", a host and perhaps a port, without path, query, fragment, user or password',
    { pattern, not: /\*/ },
  );
}

/** URL takes a host with one, which nobody has. */
function hasWildcard(given: unknown): boolean {
  return typeof given === "string" && (parseUrl(given)?.hostname.includes("*") ?? false);
}

/** One beginning of a request's path, or a list of them. */
export function pathPrefixes() {
  const onError = errorOption("is not a list of paths", 'a list with at least one, ["/api/", "/reports/"]');
  const list = z.array(pathPrefix(), onError).check(z.minLength(1, onError));
  return listOr(list, pathPrefix(", or a list of such paths"));
}

/** The beginning of a request's path. `or` completes the message where another kind of value is allowed too. */
export function pathPrefix(or = "") {
  return text(
    (given) => (given === asRequested(given)?.pathname ? given : undefined),
    "is not a path",
    `a path as it stands in a request: beginning with "/", percent-encoded, without "?" or "#"${or}`,
    { pattern: /^\/(?!\/)(?!(?:.*\/)?\.\.?(?:\/|$))[!$-;=@A-Z\x5b\]^_a-z|~]*$/ },
  );
}

/** Path and query of a request that Sluice itself sends to a server. */
export function requestPath() {
  return text(
    (given) => {
      const url = asRequested(given);
      return url && given === url.pathname + url.search ? given : undefined;
    },
    "is not a path",
    'a path as it stands in a request: beginning with one "/", percent-encoded, without "#"',
    { pattern: /^\/(?!\/)(?!(?:[^?]*\/)?\.\.?(?:[/?]|$))[!$-;=@A-Z\x5b\]^_a-z|~]*(?:\?[!$-;=?-~]*)?$/ },
  );
}

function asRequested(given: string): URL | undefined {
  // Resolved against a server's origin, "//host" is another host.
  if (!given.startsWith("/") || given.startsWith("//")) return undefined;
  return parseUrl(`http://server${given}`);
}

/** Not `URL.parse`: the command line reads the configuration too, and Node 20 may lack it. */
export function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
