/** What of HAProxy has no key here, and why. A keyword of two words goes before its first word alone. */
import type { Verdict } from "./remarks.ts";
import type { Line } from "./sections.ts";

const LOG = "Sluice logs one line a request (docs/monitoring.md)";
const EDGE = "Cloudflare's edge accepts the connections and has the certificates";
const RUNTIME = "connections are the runtime's business";
const HEADERS =
  "`headers` have fixed values for all requests; others are Request Header Transform Rules of Cloudflare";
const VARIABLES = "what counts of it is in the lines that use it";
const ANSWERS = "an answer goes on as it came; Response Header Transform Rules of Cloudflare change it";
const STICKY = "requests do not stick to a server: any with a free slot gets the next one";
const TABLES = "there are no stick tables; limits on rates are Rate Limiting Rules of Cloudflare";
const RULES =
  "rules about requests are Cloudflare's: WAF, Redirect, Rate Limiting and Transform Rules, Access";
const PAGES = "refusals are Sluice's own (docs/failures.md)";
const DASHBOARD = "the dashboard is at /_sluice/, metrics at /_sluice/metrics";
const COMPRESS = "Cloudflare compresses";
const REDIRECTS = "redirects are Cloudflare's: Always Use HTTPS, Redirect Rules";
const TCP = "Sluice carries HTTP only";
const DAEMON = "there is no process to set up";
const CACHE = "caching is Cloudflare's";
const LIMIT = "not connections but the waiting list has a limit: `max_queue`";

const KEYWORDS: [Verdict, string, string[]][] = [
  [
    "unneeded",
    LOG,
    ["log", "log-format", "log-format-sd", "error-log-format", "log-tag", "log-steps", "option httplog"],
  ],
  ["unneeded", LOG, ["option tcplog", "option dontlognull", "option dontlog-normal", "option logasap"]],
  [
    "unneeded",
    LOG,
    ["option log-separate-errors", "option log-health-checks", "option httpslog", "option clitcpka-cnt"],
  ],
  ["unneeded", LOG, ["unique-id-format", "unique-id-header", "capture", "declare", "option socket-stats"]],
  [
    "unneeded",
    EDGE,
    ["bind", "bind-process", "maxconn", "rate-limit", "option tcp-smart-accept", "http-request set-tos"],
  ],
  [
    "unneeded",
    EDGE,
    ["option accept-invalid-http-request", "option accept-unsafe-violations-in-http-request"],
  ],
  [
    "unneeded",
    EDGE,
    ["option originalto", "timeout http-request", "timeout http-keep-alive", "timeout client-fin"],
  ],
  [
    "unneeded",
    EDGE,
    ["timeout client-hs", "timeout tarpit", "option h1-case-adjust-bogus-client", "id", "guid"],
  ],
  [
    "unneeded",
    RUNTIME,
    ["option http-server-close", "option httpclose", "option http-keep-alive", "option forceclose"],
  ],
  ["unneeded", RUNTIME, ["option http-tunnel", "option http-pretend-keepalive", "option prefer-last-server"]],
  [
    "unneeded",
    RUNTIME,
    ["option tcp-smart-connect", "option tcpka", "option clitcpka", "option srvtcpka", "option nolinger"],
  ],
  [
    "unneeded",
    RUNTIME,
    ["option http-no-delay", "option splice-auto", "option splice-request", "option splice-response"],
  ],
  [
    "unneeded",
    RUNTIME,
    ["option contstats", "option http-use-htx", "option http-use-proxy-header", "option transparent"],
  ],
  ["unneeded", RUNTIME, ["option idle-close-on-response", "option independent-streams"]],
  [
    "unneeded",
    RUNTIME,
    ["option accept-invalid-http-response", "option accept-unsafe-violations-in-http-response"],
  ],
  [
    "unneeded",
    RUNTIME,
    ["option h1-case-adjust-bogus-server", "http-reuse", "max-keep-alive-queue", "max-session-srv-conns"],
  ],
  [
    "unneeded",
    RUNTIME,
    ["source", "timeout server-fin", "load-server-state-from-file", "server-state-file-name"],
  ],
  [
    "unneeded",
    RUNTIME,
    ["option disable-h2-upgrade", "option use-small-buffers", "hash-balance-factor", "hash-type"],
  ],
  ["unneeded", "servers get X-Forwarded-For", ["option forwardfor", "option forwarded"]],
  [
    "unneeded",
    "a request's body is read before it takes a slot, up to `buffer_request`",
    ["option http-buffer-request"],
  ],
  [
    "unneeded",
    "a client that leaves leaves the waiting list; a slot stays closed until its server is done",
    ["option abortonclose"],
  ],
  ["unneeded", "all backups are used", ["option allbackups"]],
  [
    "unneeded",
    "who is up is seen while the pool has work",
    ["option persist", "option checkcache", "spread-checks"],
  ],
  [
    "unneeded",
    DAEMON,
    ["description", "disabled", "enabled", "grace", "email-alert", "daemon", "nbproc", "nbthread"],
  ],
  ["unneeded", DASHBOARD, ["stats", "monitor", "monitor-net", "monitor-uri", "option http-ignore-probes"]],
  ["unneeded", COMPRESS, ["compression", "filter compression"]],
  [
    "unneeded",
    VARIABLES,
    [
      "http-request set-var",
      "http-request set-var-fmt",
      "http-request capture",
      "http-request set-log-level",
    ],
  ],
  ["unneeded", CACHE, ["http-request cache-use", "http-response cache-store"]],
  ["lost", REDIRECTS, ["redirect", "http-request redirect", "http-response redirect"]],
  [
    "lost",
    HEADERS,
    [
      "http-request set-header",
      "http-request add-header",
      "http-request del-header",
      "http-request replace-header",
    ],
  ],
  [
    "lost",
    HEADERS,
    [
      "http-request replace-value",
      "http-request set-src",
      "reqadd",
      "reqidel",
      "reqdel",
      "reqrep",
      "reqirep",
    ],
  ],
  [
    "lost",
    ANSWERS,
    ["http-response", "http-after-response", "rspadd", "rspidel", "rspdel", "rsprep", "rspirep"],
  ],
  [
    "lost",
    RULES,
    [
      "http-request",
      "http-request deny",
      "http-request auth",
      "http-request tarpit",
      "block",
      "reqdeny",
      "reqideny",
    ],
  ],
  ["lost", RULES, ["reqallow", "reqiallow", "reqpass", "reqtarpit", "filter", "tcp-request", "quic-initial"]],
  [
    "lost",
    TABLES,
    ["stick-table", "http-request track-sc0", "http-request track-sc1", "http-request track-sc2"],
  ],
  ["lost", TABLES, ["tcp-request connection", "http-request sc-inc-gpc0", "http-request sc-inc-gpc"]],
  [
    "lost",
    STICKY,
    [
      "cookie",
      "appsession",
      "stick",
      "force-persist",
      "ignore-persist",
      "persist",
      "use-server",
      "dynamic-cookie-key",
    ],
  ],
  ["lost", STICKY, ["option httpproxy", "option http_proxy"]],
  ["lost", STICKY, ["hash-preserve-affinity"]],
  ["lost", PAGES, ["errorfile", "errorfiles", "errorloc", "errorloc302", "errorloc303", "http-error"]],
  ["lost", TCP, ["tcp-response", "tcp-check", "external-check", "use-fcgi-app", "dispatch"]],
  ["changed", LIMIT, ["fullconn", "max-spread-checks"]],
];

const BY_NAME = new Map(
  KEYWORDS.flatMap(([verdict, why, names]) => names.map((name) => [name, [verdict, why]] as const)),
);

/** `undefined`: nothing is known of it. */
export function whyNot({ words }: Line): readonly [Verdict, string] | undefined {
  const given = words[0] === "no" ? words.slice(1) : words;
  const [first = "", second = ""] = given;
  return BY_NAME.get(`${first} ${second.replace(/\(.*$/, "")}`) ?? BY_NAME.get(first);
}
