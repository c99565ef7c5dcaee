/** Names and paths: the texts that an operator makes up. */
import { text } from "./fields.ts";
import { parseUrl } from "./url.ts";

export const NAME_ALLOWED = "1 to 63 of a-z A-Z 0-9 . _ -, beginning with a letter or a digit";

/** A pool's name is also its Durable Object's, a server's stands in admin routes: both stay plain. */
export function isName(given: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(given);
}

export function serverName() {
  return text((given) => (isName(given) ? given : undefined), "is not a server name", NAME_ALLOWED);
}

/** What a request's path can begin with. */
export function pathPrefix() {
  return text(
    (given) => (given === asRequested(given)?.pathname ? given : undefined),
    "is not a path",
    'a path as it stands in a request: beginning with "/", percent-encoded, without "?" or "#"',
  );
}

/** What we ask a server for ourselves. */
export function requestPath() {
  return text(
    (given) => {
      const url = asRequested(given);
      return url && given === url.pathname + url.search ? given : undefined;
    },
    "is not a path",
    'a path as it stands in a request: beginning with one "/", percent-encoded, without "#"',
  );
}

function asRequested(given: string): URL | undefined {
  // "//host" would name another server when it is resolved against a server's origin.
  if (!given.startsWith("/") || given.startsWith("//")) return undefined;
  return parseUrl(`http://server${given}`);
}
