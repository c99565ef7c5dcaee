/** The keys of a pool that hold one value each, and what they take and refuse. */
import { LOCATION_HINTS } from "../../src/config/pool.ts";
import type { PoolConfig } from "../../src/config/types.ts";
import { DURATION_ALLOWED, SIZE_ALLOWED } from "../../src/config/units.ts";

export interface Key {
  key: string;
  is: keyof PoolConfig;
  byDefault: unknown;
  /** Allowed values, and the values that they become. */
  takes: [given: unknown, becomes: unknown][];
  /** Values that are not allowed, and the problem's text after the key. */
  refuses: [given: unknown, says: string][];
}

export const KEYS: Key[] = [
  {
    key: "path_prefix",
    is: "pathPrefixes",
    byDefault: ["/"],
    takes: [
      ["/api", ["/api"]],
      ["/b%C3%BCcher/", ["/b%C3%BCcher/"]],
      [["/api"], ["/api"]],
      [
        ["/api", "/reports/", "/api"],
        ["/api", "/reports/"],
      ],
    ],
    refuses: [
      ...["api", "", "//", "/a?b", "/a#b", "/a b", "/bücher", "/a/../b", 7].map(
        (given): [unknown, string] => [
          given,
          `${JSON.stringify(given)} is not a path; allowed: ` +
            'a path as it stands in a request: beginning with "/", percent-encoded, without "?" or "#", ' +
            "or a list of such paths",
        ],
      ),
      [[], '[] is not a list of paths; allowed: a list with at least one, ["/api/", "/reports/"]'],
    ],
  },
  whole("slots", "slots", 1, 1, 1000),
  whole("shards", "shards", 1, 1, 64),
  balance(),
  duration("slow_start", "slowStartMs", 0),
  whole("max_queue", "maxQueue", 1000, 0, 1_000_000),
  duration("queue_timeout", "queueTimeoutMs", 600_000, "1ms"),
  flow(),
  duration("connect_timeout", "connectTimeoutMs", 10_000, "1ms"),
  duration("client_timeout", "clientTimeoutMs", 60_000, "1ms"),
  { ...duration("longest", "longestMs", 0, "1ms"), byDefault: null },
  { ...duration("websocket_idle", "websocketIdleMs", 0, "1ms"), byDefault: null },
  whole("retries", "retries", 3, 0, 100),
  flag("redispatch", "redispatch", true),
  flag("retry_non_idempotent", "retryNonIdempotent", false),
  oneOf("when_down", "whenDown", "hold", "refuse"),
  oneOf("on_client_abort", "onClientAbort", "finish", "cancel"),
  oneOf("host_header", "hostHeader", "server", "client"),
  flag("free_paths_in_drain", "freePathsInDrain", false),
  flag("log_address", "logAddress", false),
  oneOf("traceparent", "traceparent", "make", "pass"),
  duration("cooldown", "cooldownMs", 0),
  duration("drain_expires", "drainExpiresMs", 900_000, "1ms"),
  size("buffer_request", "bufferRequestBytes"),
  size("buffer_response", "bufferResponseBytes"),
  { ...oneOf("location_hint", "locationHint", ...LOCATION_HINTS), byDefault: null },
];

function balance(): Key {
  const words = ["roundrobin", "leastconn", "first", "random"];
  const forms = ["hash:header:x-session", "hash:cookie:sid", "hash:query:k", "hash:path"];
  const allowed = [...words, ...forms].map((word) => `"${word}"`).join(", ");
  const noKeys = [
    "hash:",
    "hash:address",
    "hash:path:",
    "hash:header",
    "hash:header:",
    "hash:header:x session",
    "hash:header:x-session,x-user",
    "hash:header:é",
    `hash:header:${"x".repeat(201)}`,
    "hash:cookie:",
    "hash:cookie:a=b",
    "hash:cookie:a;b",
    "hash:query:",
    "hash:query:a b",
    "hash:path\n",
  ];
  const unknown = ["", "fastest", "Roundrobin", "source", " hash:path", "HASH:path"];
  return {
    key: "balance",
    is: "balance",
    byDefault: "roundrobin",
    takes: [
      ...words.map((word): [string, string] => [word, word]),
      ["hash:header:X-Session", { part: "header", name: "x-session" }],
      ["hash:header:cf-connecting-ip", { part: "header", name: "cf-connecting-ip" }],
      ["hash:cookie:__Host-SID", { part: "cookie", name: "__Host-SID" }],
      ["hash:query:user[id]", { part: "query", name: "user[id]" }],
      ["hash:query:a:b", { part: "query", name: "a:b" }],
      ["hash:path", { part: "path", name: "" }],
    ],
    refuses: [
      ...noKeys.map((given): [string, string] => [given, says(given, "is nothing that can be hashed")]),
      ...unknown.map((given): [string, string] => [given, says(given, "is unknown")]),
      ...[7, true, null, ["first"], { hash: "path" }].map((given): [unknown, string] => [
        given,
        says(given, "is unknown"),
      ]),
    ],
  };
  function says(given: unknown, verdict: string): string {
    const text = JSON.stringify(given);
    const shown = text.length > 80 ? `${text.slice(0, 79)}…` : text;
    return `${shown} ${verdict}; allowed: ${allowed}`;
  }
}

function flow(): Key {
  const wrong = [
    "",
    "ip",
    "Address",
    " address",
    "address:",
    "address\n",
    "header",
    "header:",
    "header:x api",
    "header:a,b",
    "header:é",
    `header:${"x".repeat(201)}`,
    "cookie:a=b",
    "cookie:a;b",
    "query:",
    "query:a b",
    "hash:header:a",
    "path",
    7,
    true,
    null,
    ["address"],
    { header: "a" },
  ];
  return {
    key: "flow",
    is: "flow",
    byDefault: null,
    takes: [
      ["address", { part: "address", name: "" }],
      ["header:X-Api-Key", { part: "header", name: "x-api-key" }],
      ["cookie:__Host-SID", { part: "cookie", name: "__Host-SID" }],
      ["query:user[id]", { part: "query", name: "user[id]" }],
      ["query:Key:a", { part: "query", name: "Key:a" }],
    ],
    refuses: wrong.map((given) => {
      const text = JSON.stringify(given);
      const shown = text.length > 80 ? `${text.slice(0, 79)}…` : text;
      const allowed =
        '"address", "header:<name>", "cookie:<name>", "query:<name>", such as "header:x-api-key"';
      return [given, `${shown} is nothing that tells clients apart; allowed: ${allowed}`];
    }),
  };
}

function whole(key: string, is: Key["is"], byDefault: number, least: number, most: number): Key {
  return {
    key,
    is,
    byDefault,
    takes: [
      [least, least],
      [most, most],
    ],
    refuses: [
      [least - 1, `${least - 1} is out of range; allowed: ${least} to ${most}`],
      [most + 1, `${most + 1} is out of range; allowed: ${least} to ${most}`],
      [1.5, `1.5 is not a whole number; allowed: ${least} to ${most}`],
      [Number.NaN, `NaN is not a whole number; allowed: ${least} to ${most}`],
      ["1", `"1" is not a whole number; allowed: ${least} to ${most}`],
    ],
  };
}

function duration(key: string, is: Key["is"], byDefault: number, least?: string): Key {
  const allowed = least === undefined ? DURATION_ALLOWED : `${DURATION_ALLOWED}, at least "${least}"`;
  return {
    key,
    is,
    byDefault,
    takes: least === undefined ? [["0s", 0]] : [["250ms", 250]],
    refuses: [
      ["1 fortnight", `"1 fortnight" is not a duration; allowed: ${allowed}`],
      ["25h", `"25h" is not a duration; allowed: ${allowed}`],
      [30, `30 is not a duration; allowed: ${allowed}`],
      ...(least === undefined
        ? []
        : ([["0s", `"0s" is too short; allowed: ${allowed}`]] as [string, string][])),
    ],
  };
}

function size(key: string, is: Key["is"]): Key {
  const allowed = `${SIZE_ALLOWED}, at most "64MiB"`;
  return {
    key,
    is,
    byDefault: 1_048_576,
    takes: [
      ["0B", 0],
      ["64MiB", 67_108_864],
    ],
    refuses: [
      ["65MiB", `"65MiB" is too large; allowed: ${allowed}`],
      ["64KB", `"64KB" is not a size; allowed: ${allowed}`],
      [1024, `1024 is not a size; allowed: ${allowed}`],
    ],
  };
}

function flag(key: string, is: Key["is"], byDefault: boolean): Key {
  return {
    key,
    is,
    byDefault,
    takes: [
      [true, true],
      [false, false],
    ],
    refuses: [
      ["true", '"true" is neither true nor false; allowed: true, false'],
      [null, "null is neither true nor false; allowed: true, false"],
    ],
  };
}

/** The first word is the default. */
function oneOf(key: string, is: Key["is"], ...words: string[]): Key {
  const allowed = words.map((word) => `"${word}"`).join(", ");
  return {
    key,
    is,
    byDefault: words[0],
    takes: words.map((word) => [word, word]),
    refuses: [
      ["fastest", `"fastest" is unknown; allowed: ${allowed}`],
      [5, `5 is unknown; allowed: ${allowed}`],
    ],
  };
}
