/** The URL that a request asks for. */
export interface RequestTarget {
  /** Without a trailing slash: `https://app.example.com`. */
  origin: string;
  /** With the port, unless it is the scheme's default. */
  host: string;
  /** As the URL standard normalizes it. */
  path: string;
  /** Path and query for the server: byte for byte as the client wrote them, wherever that is safe. */
  pathAndQuery: string;
}

/**
 * Parses the address of a request. `null`: its Host header is invalid. The runtime copies that header into the URL
 * unchecked (workerd 2026-11-17): `Host: a.test/evil?` would put its own path before the request's and choose the pool.
 */
export function targetOf(request: Addressed): RequestTarget | null {
  return plainTargetOf(request) ?? parsedTargetOf(request);
}

type Addressed = Pick<Request, "url" | "method" | "headers">;

/** Of an IPv4 address, as the URL standard writes it. */
const BYTE = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
/** Not "xn--", which the URL standard checks; a last label that begins with a digit may be meant for a number. */
const NAME = String.raw`(?![^/]*--)(?:[a-z\d-]+\.)*[a-z][a-z\d-]*`;
/** No scheme's own, which is left out. */
const PORT = String.raw`:(?!80/|443/)(?:[1-9]\d{0,3}|[1-5]\d{4})`;
/** Without dot segments. */
const PATH = String.raw`/(?!\.|[^?]*(?:/\.|%2[eE]))[\w/%~!$&'()*+,;=:@.-]*`;
/** An address that the URL standard leaves as it is, as nearly all are: to parse it costs several µs (workerd 2026-11-17). */
const PLAIN = new RegExp(
  String.raw`^(https?://((?:${BYTE}(?:\.${BYTE}){3}|${NAME})(?:${PORT})?))((${PATH})(?:\?[!-"$-~]*)?)$`,
);

/** As `parsedTargetOf`; `null`: the address has to be parsed. */
export function plainTargetOf({ url, headers }: Addressed): RequestTarget | null {
  const [, origin, host, pathAndQuery, path] = PLAIN.exec(url) ?? [];
  if (!origin || !host || !pathAndQuery || !path || (headers.get("host") ?? host) !== host) return null;
  return { origin, host, path, pathAndQuery };
}

/** By the URL standard; `null`: as of `targetOf`. */
export function parsedTargetOf(request: Addressed): RequestTarget | null {
  const address = addressOf(request);
  const url = URL.parse(address);
  const header = request.headers.get("host");
  if (!url || url.username || url.password || !isHost(url.host) || !isHost(header ?? url.host)) return null;
  const { origin, host, pathname } = url;
  return { origin, host, path: pathname, pathAndQuery: asWritten(address) ?? asParsed(url) };
}

/** For `OPTIONS *` the runtime makes the URL `http://app.example.com*` (workerd 2026-11-17): drops that "*". */
function addressOf({ method, url }: Pick<Request, "url" | "method">): string {
  return method === "OPTIONS" ? url.replace(/^([a-z]+:\/\/[^/]*)\*$/, "$1/") : url;
}

/** An IPv6 address, or the labels of a name, ASCII or not; then an optional port, whose range `URL` checks. */
const HOST = /^(?:\[[\da-f:.]+\]|[\w\u{80}-\u{10ffff}-]+(?:\.[\w\u{80}-\u{10ffff}-]+)*\.?)(?::\d*)?$/iu;

function isHost(text: string): boolean {
  return HOST.test(text);
}

/**
 * Path and query that contain a control character or space, or whose path has a backslash or dot segment: the URL
 * standard makes another path of it, and `fetch` or the server may do the same.
 */
const AMBIGUOUS = /[^!-~\u{80}-\u{10ffff}]|^[^?]*(?:\\|\/(?:\.|%2e){1,2}(?:[/?]|$))/iu;

/**
 * Path and query byte for byte. The URL standard percent-encodes `"^{}` and non-ASCII characters, which breaks a
 * signature over the URL. `fetch` sends them unchanged only with the compatibility flag `fetch_legacy_url` (workerd
 * 2026-11-17). `undefined` for an ambiguous path: the pool is chosen by the parsed path, and the server must not get
 * another one.
 */
function asWritten(address: string): string | undefined {
  const [, text = "\\"] = /^[a-z]+:\/\/[^/?#]+(\/[^#]*)/.exec(address) ?? [];
  return AMBIGUOUS.test(text) ? undefined : text;
}

/** Path and query as the URL standard writes them: dot segments are resolved. Unlike `search`, it keeps a lone "?". */
function asParsed({ href, protocol }: URL): string {
  const [address = ""] = href.split("#", 1);
  return address.slice(address.indexOf("/", protocol.length + 2));
}
