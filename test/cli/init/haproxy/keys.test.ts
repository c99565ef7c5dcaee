import { describe, expect, test } from "vitest";
import { convertHaproxy } from "../../../../src/cli/init/haproxy/convert.ts";
import { readToml } from "../../../../src/cli/wrangler-file/toml.ts";
import { valueAt } from "../../../../src/cli/wrangler-file/tree.ts";
import { behindFrontend, checked, keysOf, poolWith, said, tomlOf } from "./support.ts";

const SERVER = "server a a.test:80 maxconn 1";
const remarksOn = (lines: string, part: string) =>
  said(behindFrontend(`backend web\n${lines}\n${SERVER}`), part);

describe("what sends the same client to the same server", () => {
  test.each([
    ["balance hdr(X-Session)", "hash:header:x-session"],
    ["balance uri", "hash:path"],
    ["balance uri path-only", "hash:path"],
    ["balance url_param user", "hash:query:user"],
    ["balance source", "hash:header:cf-connecting-ip"],
    ["balance hash req.cook(sid)", "hash:cookie:sid"],
    ["balance hash req.hdr(x-tenant),lower", "hash:header:x-tenant"],
    ["balance hash src", "hash:header:cf-connecting-ip"],
    ["cookie sid prefix", "hash:cookie:sid"],
    ["appsession JSESSIONID len 52 timeout 3h", "hash:cookie:JSESSIONID"],
    ["stick-table type ip size 1m\nstick on src", "hash:header:cf-connecting-ip"],
    ["stick on req.cook(sid)\nbalance roundrobin", "hash:cookie:sid"],
    ["stick match url_param(k)\nstick store-request url_param(k)", "hash:query:k"],
  ])("is a key that is hashed: %j", (lines, balance) => {
    expect(keysOf(poolWith(lines)).balance).toBe(balance);
    const [line = ""] = lines.split("\n").filter((one) => !one.startsWith("stick-table"));
    const why = "while its server has no free slot, another one gets the request at once";
    expect(remarksOn(lines, line)).toEqual([
      expect.stringMatching(new RegExp(`^changed: balance = "${balance}": (without .*; )?${why}$`)),
    ]);
    const errors = checked(convertHaproxy(behindFrontend(`backend web\n${lines}\n${SERVER}`)));
    expect(errors.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test.each([
    ["cookie SRV insert indirect nocache", "lost: Sluice sets no cookie; name one that the application sets"],
    ["cookie SRV rewrite", "lost: Sluice sets no cookie"],
    ["stick on src if { path_beg /a }", "lost: one key counts for all requests of a pool"],
    ["stick on ssl_fc_session_id", "lost: ssl_fc_session_id is neither a header"],
    [
      "stick store-response res.cook(sid)",
      "lost: which server a request prefers is said by `balance`, by a hash",
    ],
    ["balance rdp-cookie", "lost: no key hashes rdp-cookie: servers get requests in turn"],
    ["balance hash var(txn.a)", "lost: no key hashes hash var(txn.a)"],
    ["stick-table type ip size 1m store http_req_rate(10s)", "lost: there are no stick tables"],
  ])("is lost where nothing says it: %j", (line, says) => {
    expect(keysOf(poolWith(line)).balance).toBeUndefined();
    expect(remarksOn(line, line).join()).toContain(says);
  });

  test("says what does not count besides: arguments, a second key, and the table of keys", () => {
    expect(remarksOn("balance uri depth 2 len 9", "depth").join()).toContain("without depth 2 len 9; ");
    expect(remarksOn("balance url_param k check_post", "url_param").join()).toContain("without check_post; ");
    const lines = "cookie sid prefix\nstick on src\nstick-table type ip size 1m\nbalance leastconn";
    expect(remarksOn(lines, "stick on")).toEqual([
      expect.stringMatching(/^lost: a pool has one key; that of line \d+/),
    ]);
    expect(remarksOn(lines, "stick-table")).toEqual([
      "unneeded: which server a key has is computed, not stored",
    ]);
    expect(remarksOn(lines, "leastconn")).toEqual([
      expect.stringMatching(/^unneeded: line \d+ says which server a request prefers$/),
    ]);
  });
});

describe("slowstart", () => {
  test("becomes that of the pool", () => {
    const server = `${SERVER} slowstart 30s`;
    expect(keysOf(poolWith("", server)).slow_start).toBe("30s");
    expect(said(behindFrontend(`backend web\n${server}`), "server a")).toContain(
      'became: slow_start = "30s"',
    );
  });

  test("of several lengths becomes the longest, and that is said", () => {
    const lines = "server x x.test:80 maxconn 1 slowstart 10s\nserver y y.test:80 maxconn 1 slowstart 1m";
    expect(keysOf(poolWith(lines)).slow_start).toBe("1m");
    for (const server of ["server x", "server y"])
      expect(remarksOn(lines, server)).toContain(
        'changed: slow_start = "1m": a pool has one for all its servers',
      );
  });
});

describe("error pages", () => {
  const BODY = "<h1>Back soon</h1>\r\n<p>it's</p>\r\n";
  const FILES: Record<string, string> = {
    "/e/503.http": `HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/html\r\n\r\n${BODY}`,
    "/e/big.http": `HTTP/1.0 503 x\r\n\r\n${"x".repeat(6000)}`,
    "/e/empty.http": "HTTP/1.0 504 T\r\n\r\n",
  };
  const HTML = "<h1>Back soon</h1>\n<p>it's</p>\n";
  const reading = (text: string) => convertHaproxy(text, (path) => FILES[path] ?? null);
  const convert = (lines: string) => reading(behindFrontend(`backend web\n${lines}\n${SERVER}`));

  test.each(["200", "__proto__", "constructor"])("an error page of %s is lost, and said to be", (status) => {
    const { remarks } = convert(`errorfile ${status} /e/503.http`);
    expect(remarks).toContainEqual(
      expect.objectContaining({
        verdict: "lost",
        message: expect.stringContaining(`${status} is no refusal`),
      }),
    );
  });

  test("become variables with their HTML, without status line and headers", () => {
    const conversion = convert("errorfile 503 /e/503.http");
    const { pools, variables } = conversion;
    expect(variables).toEqual({ PAGE_503: HTML });
    const pages = { "no-server": "PAGE_503", "queue-full": "PAGE_503", "queue-timeout": "PAGE_503" };
    expect(pools[0] && keysOf(pools[0]).pages).toEqual(pages);
    const toml = tomlOf(conversion);
    expect(toml).toContain("[vars]\nPAGE_503 = '''\n<h1>Back soon</h1>\n");
    expect(valueAt(readToml(toml), ["vars", "PAGE_503"])).toBe(HTML);
    expect(valueAt(readToml(toml), ["vars", "POOLS", "web", "pages"])).toEqual(pages);
    expect(checked(conversion).filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test("may be a text of the configuration, or of a section `http-errors`", () => {
    const string = 'http-error status 504 content-type "text/html" string "<p>late</p>"';
    expect(convert(string).variables).toEqual({ PAGE_504: "<p>late</p>" });
    const shared =
      "errorfiles own 503\nserver b b.test:80\nhttp-errors own\nerrorfile 503 /e/503.http\nbackend x";
    expect(convert(shared).variables).toEqual({ PAGE_503: HTML });
  });

  test("are one variable for one text, and two for two", () => {
    const backends = [
      `backend web\nerrorfile 503 /e/503.http\n${SERVER}`,
      "backend api\nhttp-error status 503 content-type text/html string x\nserver b b.test:80",
      "backend c\nerrorfile 503 /e/503.http\nserver c c.test:80",
    ];
    const rules = "use_backend api if { path_beg /api }\nuse_backend c if { path_beg /c }";
    const { variables, pools } = reading(
      behindFrontend(backends.join("\n"), `default_backend web\n${rules}`),
    );
    expect(variables).toEqual({ PAGE_503: HTML, PAGE_503_2: "x" });
    expect(pools.map((pool) => (keysOf(pool).pages as Record<string, string>)["no-server"])).toEqual([
      "PAGE_503",
      "PAGE_503_2",
      "PAGE_503",
    ]);
  });

  test.each([
    ["errorfile 503 /nowhere", "lost: /nowhere cannot be read here"],
    ["errorfile 503 /e/big.http", "lost: has 6000 bytes, and a variable of Cloudflare's 5120 at most"],
    ["errorfile 504 /e/empty.http", "lost: has no body"],
    ["errorfile 403 /e/503.http", "lost: 403 is no refusal of a pool's"],
    ["errorloc 503 https://a.test/", "lost: a refusal is no redirect"],
    ["http-error status 503 content-type text/plain string x", "lost: a page is HTML"],
    [
      "http-error status 503 content-type text/html lf-string x",
      "lost: a page is an errorfile, a file or a string",
    ],
  ])("are lost, and said to be: %s", (line, says) => {
    const { remarks, variables, pools } = convert(line);
    expect(variables).toEqual({});
    expect(pools[0] && keysOf(pools[0]).pages).toBeUndefined();
    expect(remarks.map(({ verdict, message }) => `${verdict}: ${message}`).join("\n")).toContain(says);
  });
});

describe("headers in the log", () => {
  test.each([
    ["capture request header User-Agent len 128", ["user-agent"]],
    ["capture response header X-Model len 9", ["response:x-model"]],
    ["http-request capture req.hdr(Referer) len 99", ["referer"]],
    ["http-response capture res.hdr(X-Model) id 0", ["response:x-model"]],
    [
      'log-format "%ci %[req.hdr(X-Team)] %[res.hdr(x-model)] %[capture.req.hdr(0)]"',
      ["x-team", "response:x-model"],
    ],
    ["capture request header Cookie len 9", undefined],
    ["capture cookie sid len 9", undefined],
  ])("that %j captures are in log_headers", (line, expected) => {
    const text = behindFrontend(`backend web\n${SERVER}`, `${line}\ndefault_backend web`);
    expect(convertHaproxy(text).pools.map((pool) => keysOf(pool).log_headers)).toEqual([expected]);
    expect(checked(convertHaproxy(text)).filter(({ severity }) => severity === "error")).toEqual([]);
    expect(said(text, line).join()).toMatch(
      expected ? /^became: log_headers has/ : /^lost: .*(credentials|not logged)/,
    );
  });
});

test.each([
  ["monitor-uri /up", "changed: the monitor has to ask for /_sluice/healthz"],
  ["unique-id-header X-Unique-ID", "unneeded: each request has an X-Request-Id"],
  ["fullconn 1000", "changed: slots do not vary with the load"],
  ["http-request set-path /x%[path]", "lost: servers get path and query to the letter"],
  ["http-request deny if { src 10.0.0.1 }", "lost: rules about requests are Cloudflare's"],
  ["http-request return status 200", "lost: requests that need no server"],
  ["timeout http-keep-alive 5s", "unneeded: Cloudflare's edge"],
  ["option httplog", "unneeded: Sluice logs one line a request"],
  ["server-template srv 3 a.test:80", "lost: servers are named one by one, or register themselves"],
])("%j says what becomes of it", (line, says) => {
  expect(remarksOn(line, line).join()).toContain(says);
});

test("the server's name in a header is a header of each server", () => {
  expect(poolWith("http-send-name-header X-Server").servers).toEqual([
    { name: "a", url: "http://a.internal", headers: { "X-Server": "a" } },
  ]);
  for (const header of ["{", "Host", "__proto__"])
    expect(remarksOn(`http-send-name-header ${header}`, "name-header").join()).toMatch(/^(lost|became): /);
  expect(poolWith("http-send-name-header Host").servers[0]).not.toHaveProperty("headers");
});

test("a server of two backends is shared by their pools, as HAProxy has it, and that is said", () => {
  const text = behindFrontend(
    `backend web\n${SERVER}\nbackend api\nserver b a.test:80 maxconn 2\nserver c c.test:80`,
    "use_backend api if { path_beg /api }\ndefault_backend web",
  );
  const { pools } = convertHaproxy(text);
  expect(pools.map(({ servers }) => servers.map(({ name, shared }) => [name, shared]))).toEqual([
    [["a", true]],
    [
      ["b", true],
      ["c", undefined],
    ],
  ]);
  expect(said(text, "server b").join()).toContain("changed: shared = true: it is in several pools");
  expect(checked(convertHaproxy(text)).filter(({ severity }) => severity === "error")).toEqual([]);
});
