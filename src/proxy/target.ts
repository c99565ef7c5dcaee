/** What a request asks for. */
export interface RequestTarget {
  /** Without a trailing slash: `https://app.example.com`. */
  origin: string;
  host: string;
  path: string;
  /** Path and query as the server gets them: escapes and a lone "?" as the client wrote them. */
  pathAndQuery: string;
}

/**
 * Dot segments are resolved here as `fetch` would do it anyway (workerd 2026-11-17), so that the pool is chosen
 * by the path that its server gets. `null`: its Host cannot be one.
 */
export function targetOf(request: Request): RequestTarget | null {
  const url = URL.parse(addressOf(request));
  if (!url) return null;
  const { href, origin, host, protocol, pathname } = url;
  const [address = ""] = href.split("#", 1);
  const pathAndQuery = address.slice(address.indexOf("/", protocol.length + 2));
  return { origin, host, path: pathname, pathAndQuery };
}

/** Of `OPTIONS *` the runtime makes `http://app.example.com*` (workerd 2026-11-17), where the "*" is no part of the host. */
function addressOf({ method, url }: Request): string {
  return method === "OPTIONS" ? url.replace(/^([a-z]+:\/\/[^/]*)\*$/, "$1/") : url;
}
