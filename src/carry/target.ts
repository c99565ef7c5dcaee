/** What a request asks for. */
export interface RequestTarget {
  /** Without a trailing slash: `https://app.example.com`. */
  origin: string;
  host: string;
  /** As the URL standard writes it. */
  path: string;
  /** Path and query as the server gets them: to the letter as the client wrote them, wherever that is safe. */
  pathAndQuery: string;
}

/**
 * `null`: its Host cannot be one. The runtime makes the URL of the Host as it came (workerd 2026-11-17), so that
 * `Host: a.test/evil?` would put a path of its own before the request's, and choose its pool.
 */
export function targetOf(request: Request): RequestTarget | null {
  const address = addressOf(request);
  const url = URL.parse(address);
  const given = request.headers.get("host");
  if (!url || url.username || url.password || !isHost(url.host) || !isHost(given ?? url.host)) return null;
  const { origin, host, pathname } = url;
  return { origin, host, path: pathname, pathAndQuery: asWritten(address) ?? asParsed(url) };
}

/** Of `OPTIONS *` the runtime makes `http://app.example.com*` (workerd 2026-11-17), where the "*" is no part of the host. */
function addressOf({ method, url }: Request): string {
  return method === "OPTIONS" ? url.replace(/^([a-z]+:\/\/[^/]*)\*$/, "$1/") : url;
}

/** Labels of a name, also one that is not in ASCII, or an address; then perhaps a port, whose range `URL` checks. */
const HOST = /^(?:\[[\da-f:.]+\]|[\w\u{80}-\u{10ffff}-]+(?:\.[\w\u{80}-\u{10ffff}-]+)*\.?)(?::\d*)?$/iu;

function isHost(text: string): boolean {
  return HOST.test(text);
}

/** A path that means another one to the URL standard: `fetch`, or the server, may take it for that. */
const AMBIGUOUS = /[^!-~\u{80}-\u{10ffff}]|^[^?]*(?:\\|\/(?:\.|%2e){1,2}(?:[/?]|$))/iu;

/**
 * The standard percent-encodes `"^{}` and what is not ASCII, which breaks a signature over the URL. `fetch` sends
 * it as it is given only with the compatibility flag `fetch_legacy_url` (workerd 2026-11-17). `undefined` where the
 * pool, which is chosen by the parsed path, could be another than the path's that its server gets.
 */
function asWritten(address: string): string | undefined {
  const [, text = "\\"] = /^[a-z]+:\/\/[^/?#]+(\/[^#]*)/.exec(address) ?? [];
  return AMBIGUOUS.test(text) ? undefined : text;
}

/** Dot segments are resolved, and a lone "?" is kept. */
function asParsed({ href, protocol }: URL): string {
  const [address = ""] = href.split("#", 1);
  return address.slice(address.indexOf("/", protocol.length + 2));
}
