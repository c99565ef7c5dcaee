/** The words of a `server` line that Sluice does not take over, with the number of their values and why. */
import type { Verdict } from "./remarks.ts";

interface ServerWord {
  values: number;
  /** `null`: it is taken over, by servers.ts. */
  why: [Verdict, string] | null;
  /** The word whose effect it ends, as a `default-server` may have it. */
  undoes?: string;
}

const STICKY = "no cookie names a server: `balance` by a hash sends the same key to the same one";
const PROXY = "the PROXY protocol is not spoken; X-Forwarded-For has the client's address";
const TLS = "certificates are verified by the host name in the URL, with public authorities";
const CLIENT_TLS = "a client certificate is a binding of the Worker's (mtls_certificates)";
const CONNECTIONS = "connections are the runtime's business";
const RESOLVING = "names are resolved for each connection";
const AGENT = "there are no agents; the admin API sets a server's state and weight";
const CHECKED = "a check goes to the server's own host, by the scheme of its requests";

const WORDS: [Verdict, string, number, string[]][] = [
  ["lost", STICKY, 1, ["cookie"]],
  [
    "lost",
    PROXY,
    0,
    ["send-proxy", "send-proxy-v2", "send-proxy-v2-ssl", "send-proxy-v2-ssl-cn", "check-send-proxy"],
  ],
  ["lost", PROXY, 1, ["proxy-v2-options"]],
  ["changed", TLS, 1, ["verify", "verifyhost", "ca-file", "crl-file", "sni", "check-sni"]],
  ["lost", CLIENT_TLS, 1, ["crt"]],
  [
    "unneeded",
    CONNECTIONS,
    1,
    ["alpn", "npn", "proto", "ws", "ciphers", "ciphersuites", "curves", "sigalgs"],
  ],
  [
    "unneeded",
    CONNECTIONS,
    1,
    ["ssl-max-ver", "ssl-min-ver", "check-alpn", "check-proto", "tcp-ut", "tcp-md5sig"],
  ],
  [
    "unneeded",
    CONNECTIONS,
    1,
    ["pool-max-conn", "pool-low-conn", "pool-purge-delay", "pool-conn-name", "max-reuse"],
  ],
  [
    "unneeded",
    CONNECTIONS,
    1,
    ["source", "usesrc", "interface", "namespace", "socks4", "idle-ping", "shard", "cc"],
  ],
  [
    "unneeded",
    CONNECTIONS,
    0,
    ["tfo", "allow-0rtt", "no-sslv3", "no-tlsv10", "no-tlsv11", "no-tlsv12", "no-tlsv13"],
  ],
  [
    "unneeded",
    CONNECTIONS,
    0,
    ["force-sslv3", "force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13"],
  ],
  [
    "unneeded",
    CONNECTIONS,
    0,
    ["no-tls-tickets", "tls-tickets", "no-ssl-reuse", "ssl-reuse", "check-via-socks4"],
  ],
  ["unneeded", RESOLVING, 1, ["resolvers", "resolve-opts", "resolve-net", "resolve-prefer", "init-addr"]],
  [
    "unneeded",
    "servers are told apart by their names",
    1,
    ["id", "guid", "hash-key", "log-proto", "log-bufsize"],
  ],
  ["changed", "all servers of a pool have keys", 0, ["non-stick", "stick"]],
  ["lost", AGENT, 0, ["agent-check"]],
  ["lost", AGENT, 1, ["agent-addr", "agent-port", "agent-inter", "agent-send"]],
  ["lost", CHECKED, 1, ["addr"]],
  ["changed", CHECKED, 0, ["check-ssl", "no-check-ssl"]],
  ["lost", "a server has no health but its own", 1, ["track"]],
  ["changed", "checks have one interval in every state", 1, ["fastinter", "downinter"]],
  ["changed", "slots do not vary with the load: `maxconn` counts", 1, ["minconn"]],
  ["lost", "requests wait for the pool, not for one server; `max_queue` limits them all", 1, ["maxqueue"]],
  [
    "unneeded",
    "each failed connection counts against a server's health at once",
    1,
    ["observe", "error-limit"],
  ],
  ["unneeded", "each failed connection counts against a server's health at once", 1, ["on-error"]],
  [
    "lost",
    "running requests are left to finish, or to `server_timeout`; a drain with `cut` ends them",
    1,
    ["on-marked-down", "on-marked-up"],
  ],
  ["lost", "redirects are the servers' own", 1, ["redir"]],
  ["changed", "after a deploy its health decides; `sluice server` takes one out", 1, ["init-state"]],
  ["unneeded", "slots are always exact", 0, ["strict-maxconn"]],
  ["lost", "a check is said by the pool: `option httpchk` and `http-check`", 1, ["healthcheck"]],
  ["unneeded", CONNECTIONS, 1, ["check-pool-conn-name", "client-sigalgs", "ktls", "quic-cc-algo"]],
  ["unneeded", CONNECTIONS, 0, ["check-reuse-pool", "no-check-reuse-pool", "renegotiate", "no-renegotiate"]],
  ["unneeded", TLS, 0, ["sni-auto", "no-sni-auto", "check-sni-auto", "no-check-sni-auto", "no-verifyhost"]],
  ["unneeded", "it is the default", 0, ["no-tfo", "no-send-proxy-v2", "no-send-proxy-v2-ssl"]],
  ["unneeded", "it is the default", 0, ["no-send-proxy-v2-ssl-cn"]],
  ["unneeded", "it is the default", 0, ["no-send-proxy", "no-agent-check"]],
];

/** Taken over, by the number of their values. */
const TAKEN: [number, string[]][] = [
  [1, ["inter", "rise", "fall", "maxconn", "weight", "port", "slowstart"]],
  [0, ["check", "backup", "disabled", "ssl"]],
];
const UNDOES = { "no-check": "check", "no-backup": "backup", enabled: "disabled", "no-ssl": "ssl" };

export const SERVER_WORDS: ReadonlyMap<string, ServerWord> = new Map<string, ServerWord>([
  ...WORDS.flatMap(([verdict, why, values, names]) =>
    names.map((name): [string, ServerWord] => [name, { values, why: [verdict, why] }]),
  ),
  ...TAKEN.flatMap(([values, names]) =>
    names.map((name): [string, ServerWord] => [name, { values, why: null }]),
  ),
  ...Object.entries(UNDOES).map(([name, undoes]): [string, ServerWord] => [
    name,
    { values: 0, why: null, undoes },
  ]),
]);
