import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { convertHaproxy } from "../../../../src/cli/init/haproxy/convert.ts";
import { SingleFlightPool } from "../../../support/single-flight-pool.ts";
import { behindFrontend, checked, keysOf, poolWith, said } from "./support.ts";

const SECOND_STORY = readFileSync(join(import.meta.dirname, "second-story.cfg"), "utf8");

describe("ten servers with maxconn 1 behind one frontend", () => {
  const conversion = convertHaproxy(SECOND_STORY);
  const [pool] = conversion.pools;

  test("become one pool of ten servers with a slot each", () => {
    expect(conversion.pools).toHaveLength(1);
    expect(pool?.servers).toHaveLength(10);
    expect(pool?.servers[9]).toEqual({ name: "custom-server-10", url: "http://query-10.internal:8001" });
    expect(pool?.name).toBe("custombe");
    expect(pool?.hosts).toEqual(["*"]);
  });

  test("keep their check, timeouts, retries and limit", () => {
    expect(pool && keysOf(pool)).toEqual({
      slots: 1,
      balance: "roundrobin",
      max_queue: 2000,
      queue_timeout: "10m",
      server_timeout: "2m",
      connect_timeout: "1s",
      client_timeout: "15s",
      retries: 10,
      redispatch: true,
      check: { path: "/", interval: "2s", rise: 2, fall: 1, status: "2xx,3xx,4xx,5xx" },
    });
  });

  test.each([
    ["backlog 2000", "became: max_queue = 2000"],
    ["acl p5queue", "became: counts in line 20"],
    ["tcp-request content reject", "became: max_queue = 2000 (200 for each of 10 servers)"],
    ["default_backend", "became: */ → pool custombe"],
    ["timeout client", 'became: client_timeout = "15s"'],
    ["frontend custom", 'became: in front of pool "custombe"'],
  ])("are told what became of `%s` in the frontend", (part, expected) => {
    expect(said(SECOND_STORY, part)).toEqual([expected]);
  });

  test("serve a hundred requests at once without one that a server rejects", async () => {
    const servers = await SingleFlightPool.start(10, 5, pool && keysOf(pool));
    onTestFinished(() => servers.stop());
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => servers.client.get(`/${n}`)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(servers.rejected).toBe(0);
  });

  test("lose nothing, and pass `sluice check` but for their private names", () => {
    expect(conversion.remarks.filter(({ verdict }) => verdict === "lost")).toEqual([]);
    const messages = checked(conversion).map(({ message }) => message);
    expect(messages).toHaveLength(10);
    for (const message of messages) expect(message).toContain("is a private name");
  });
});

describe("a server line", () => {
  test.each([
    ["a.test:8080", "http://a.test:8080"],
    ["a.test:80", "http://a.test"],
    ["a.test:443 ssl verify none", "https://a.test"],
    ["10.0.0.1:81", "http://10.0.0.1:81"],
    ["ipv4@10.0.0.1:81", "http://10.0.0.1:81"],
    ["::1:81", "http://[::1]:81"],
    ["[2001:db8::1]:81", "http://[2001:db8::1]:81"],
    ["a.test", "http://a.test"],
  ])("names %s, which becomes %s", (address, url) => {
    expect(poolWith("", `server a ${address}`).servers[0]?.url).toBe(url);
  });

  test.each(["unix@/run/a.sock", "/run/a.sock", "fd@3", "abns@a", "a b", ""])(
    "that names %j is lost and said to be",
    (address) => {
      const text = behindFrontend(`backend web\nserver a ${address}\nserver b b.test:80`);
      if (address !== "a b")
        expect(said(text, "server a").join()).toMatch(/^lost: .* is no host with a port/);
      expect(convertHaproxy(text).pools[0]?.servers.at(-1)?.name).toBe("b");
    },
  );

  test("has as many slots as maxconn, and the pool those of most", () => {
    const pool = poolWith(
      "server x x.test maxconn 1\nserver y y.test maxconn 1",
      "server z z.test maxconn 4",
    );
    expect(keysOf(pool).slots).toBe(1);
    expect(pool.servers.map(({ slots }) => slots)).toEqual([undefined, undefined, 4]);
  });

  test("keeps its weight, and that it is a backup", () => {
    expect(poolWith("", "server a a.test maxconn 1 weight 7 backup").servers).toEqual([
      { name: "a", url: "http://a.test", weight: 7, backup: true },
    ]);
  });

  test("takes what `default-server` says, and may say otherwise", () => {
    const pool = poolWith("default-server maxconn 3 weight 5\nserver x x.test", "server y y.test maxconn 1");
    expect(pool.servers).toEqual([
      { name: "x", url: "http://x.test", weight: 5 },
      { name: "y", url: "http://y.test", weight: 5, slots: 1 },
    ]);
  });

  test("takes nothing of a `default-server` below it, which is told of as what it is", () => {
    const backend = "backend web\nserver x x.test maxconn 1\ndefault-server maxconn 3\nserver y y.test";
    const text = behindFrontend(`${backend}\ndefault-server weight 5`);
    expect(convertHaproxy(text).pools[0]?.servers).toEqual([
      { name: "x", url: "http://x.test" },
      { name: "y", url: "http://y.test", slots: 3 },
    ]);
    expect(said(text, "default-server maxconn")).toEqual(["became: counts for each server below it"]);
    expect(said(text, "default-server weight")).toEqual([
      "unneeded: no pool has it, or another line replaces it",
    ]);
  });

  test.each([
    ["ssl", "no-ssl", { name: "x", url: "http://x.test" }],
    ["backup", "no-backup", { name: "x", url: "http://x.test" }],
    ["disabled", "enabled", { name: "x", url: "http://x.test" }],
    ["disabled enabled", "", { name: "x", url: "http://x.test" }],
    ["enabled", "disabled", undefined],
  ])("may undo the `%s` of its `default-server` by `%s`", (words, undone, expected) => {
    const text = behindFrontend(
      `backend web\ndefault-server maxconn 1 ${words}\nserver x x.test:80 ${undone}`,
    );
    expect(convertHaproxy(text).pools[0]?.servers[0]).toEqual(expected);
  });

  test("has the `default-server` of its defaults, where another proxy has no server for it", () => {
    const text = [
      "defaults\n mode http\n default-server maxconn 3",
      "frontend in\n default_backend web",
      "backend web\n server x x.test",
    ].join("\n");
    const [pool] = convertHaproxy(text).pools;
    expect(pool && keysOf(pool).slots).toBe(3);
    expect(said(text, "default-server")).toEqual(["became: counts for each server below it"]);
  });

  test("keeps a weight of 0, with which it gets no new requests", () => {
    const text = behindFrontend("backend web\nserver x x.test:80 maxconn 1 weight 0");
    expect(convertHaproxy(text).pools[0]?.servers).toEqual([{ name: "x", url: "http://x.test", weight: 0 }]);
    expect(said(text, "server x")).toEqual([
      'became: server "x", http://x.test, weight 0: it gets no new requests',
    ]);
  });

  test("that is disabled is left out", () => {
    expect(poolWith("server x x.test disabled").servers.map(({ name }) => name)).toEqual(["a"]);
  });

  test("with the address of another adds its slots to that one", () => {
    const pool = poolWith("server x a.internal:80 maxconn 2");
    expect(pool.servers).toEqual([{ name: "x", url: "http://a.internal" }]);
    expect(keysOf(pool).slots).toBe(3);
  });

  test.each([
    ["cookie s1", "lost: `cookie`: no cookie names a server"],
    ["send-proxy", "lost: `send-proxy`: the PROXY protocol"],
    ["on-marked-down shutdown-sessions", "lost: `on-marked-down`: running requests are left to finish"],
    ["agent-check", "lost: `agent-check`: there are no agents"],
    ["resolvers dns", "unneeded: `resolvers`: "],
    ["frobnicate", "lost: `frobnicate`: Sluice knows nothing like it"],
  ])("with `%s` says why it is not taken over", (word, expected) => {
    const text = behindFrontend(`backend web\nserver a a.test:80 maxconn 1 ${word}`);
    expect(said(text, "server a").find((one) => one.startsWith(expected))).toBeDefined();
  });
});

describe("a health check", () => {
  const CHECKED = "server a a.test:80 maxconn 1 check";
  const GET = "option httpchk GET /up";
  const checkOf = (lines: string, server = CHECKED) => keysOf(poolWith(lines, server)).check;

  test.each([
    ["", { path: "/", status: "2xx,3xx,4xx,5xx" }],
    ["option httpchk", { path: "/", method: "OPTIONS", status: "2xx,3xx" }],
    ["option httpchk /up", { path: "/up", method: "OPTIONS", status: "2xx,3xx" }],
    ["option httpchk GET /up?deep=1", { path: "/up?deep=1", status: "2xx,3xx" }],
    ["option httpchk POST /up", { path: "/up", status: "2xx,3xx" }],
    [
      "option httpchk HEAD /up HTTP/1.1\\r\\nHost:\\ a.test",
      { path: "/up", method: "HEAD", host: "a.test", status: "2xx,3xx" },
    ],
    [
      "option httpchk\nhttp-check send meth GET uri /up ver HTTP/1.1 hdr Host A.test:80 hdr X y",
      { path: "/up", host: "a.test", status: "2xx,3xx" },
    ],
    [`${GET}\nhttp-check expect status 200`, { path: "/up", status: "200" }],
    [`${GET}\nhttp-check expect status 200-399`, { path: "/up", status: "2xx,3xx" }],
    [`${GET}\nhttp-check expect status 200,204`, { path: "/up", status: "200,204" }],
    [`${GET}\nhttp-check expect ! rstatus ^5`, { path: "/up", status: "2xx,3xx,4xx" }],
    [`${GET}\nhttp-check expect rstatus (2|3)[0-9][0-9]`, { path: "/up", status: "2xx,3xx" }],
    // What the body says is all that counts then.
    [`${GET}\nhttp-check expect string OK`, { path: "/up", status: "2xx,3xx,4xx,5xx", expect: "OK" }],
    [`${GET}\nhttp-check expect rstring OK`, { path: "/up", status: "2xx,3xx,4xx,5xx", expect: "OK" }],
    [
      `${GET}\nhttp-check expect status 200\nhttp-check expect string OK`,
      { path: "/up", status: "200", expect: "OK" },
    ],
    [
      `${GET}\nhttp-check expect comment role hdr name x-role value primary`,
      { path: "/up", status: "2xx,3xx,4xx,5xx", expect_header: "x-role: primary" },
    ],
    [
      `${GET}\nhttp-check expect fhdr name -m str x-role`,
      { path: "/up", status: "2xx,3xx,4xx,5xx", expect_header: "x-role" },
    ],
    [`${GET}\nhttp-check connect port 8081`, { path: "/up", port: 8081, status: "2xx,3xx", slot: false }],
    [`timeout check 3s\n${GET}`, { path: "/up", timeout: "3s", status: "2xx,3xx" }],
  ])("that is made by %j asks for the same", (lines, expected) => {
    expect(checkOf(lines)).toEqual(expected);
  });

  test("has its times", () => {
    expect(checkOf(GET, `${CHECKED} inter 500 rise 1 fall 5`)).toEqual({
      path: "/up",
      interval: "500ms",
      rise: 1,
      fall: 5,
      status: "2xx,3xx",
    });
  });

  test.each([
    ["inter 50", { interval: "100ms" }, "inter 50: 50 is less than the shortest, 100ms"],
    ["inter 25h", { interval: "24h" }, "inter 25h: 25h is more than the longest, 24h"],
    ["inter soon", {}, "inter soon: it is no time"],
    ["rise 101", {}, "rise 101: it is 1 to 100"],
    ["fall 0", {}, "fall 0: it is 1 to 100"],
  ])("with %j keeps to what a pool may have, and says so", (words, expected, says) => {
    const text = behindFrontend(`backend web\n${GET}\n${CHECKED} ${words}`);
    const conversion = convertHaproxy(text);
    expect(conversion.pools.map((pool) => keysOf(pool).check)).toEqual([
      { path: "/up", ...expected, status: "2xx,3xx" },
    ]);
    expect(said(text, words)).toContain(`changed: ${says}`);
    expect(checked(conversion).filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test("with a timeout that no pool may have says so", () => {
    const text = behindFrontend(`backend web\ntimeout check 25h\n${CHECKED}`);
    expect(said(text, "timeout check")).toEqual([
      'changed: check.timeout = "24h": 25h is more than the longest, 24h',
    ]);
  });

  test("is not there if no server has one", () => {
    expect(checkOf("option httpchk /up", "server a a.test:80")).toBeUndefined();
  });

  test("goes to another port beside the work, where all servers say the same one", () => {
    expect(checkOf(GET, `${CHECKED} port 8081`)).toEqual({
      path: "/up",
      port: 8081,
      status: "2xx,3xx",
      slot: false,
    });
    const text = behindFrontend(
      `backend web\n${GET}\n${CHECKED} port 8081\nserver b b.test:80 check port 8082`,
    );
    expect(said(text, "8081")).toContain("became: check.port = 8081, without a slot");
    expect(said(text, "8082")).toContainEqual(
      expect.stringMatching(
        /^lost: a pool has one check port for all, that of line \d+: "b" would be checked at port 8081, .* put it into a pool of its own/,
      ),
    );
  });

  test("goes to another port for a server that has none: it is lost too", () => {
    const text = behindFrontend(`backend web\n${GET}\nserver b b.test:80 check\n${CHECKED} port 8081`);
    expect(said(text, "b.test:80").join()).toContain('"b" would be checked at port 8081');
  });

  test("passes `sluice check` with all of its words", () => {
    const lines = `http-check send hdr Host h.test\nhttp-check expect status 200\nhttp-check expect string OK`;
    const text = behindFrontend(`backend web\n${GET}\n${lines}\nserver a a.test:443 ssl check port 8081`);
    expect(checked(convertHaproxy(text)).filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test("by what cannot be said is lost, and said to be", () => {
    const lostIn = (line: string, before = GET) =>
      said(behindFrontend(`backend web\n${before}\n${line}\n${CHECKED}`), line).join();
    for (const line of ["expect rstring ^OK", "expect ! string OK", "expect hdr name -m beg x-r"])
      expect(lostIn(`http-check ${line}`)).toMatch(
        /^lost: a check goes by a status, a text in the body and a header/,
      );
    expect(lostIn("http-check disable-on-404")).toMatch(/^lost: .*--state drain/);
    expect(lostIn("http-check expect string OK", "option httpchk HEAD /up")).toContain(
      "changed: an answer to HEAD has no body",
    );
    expect(lostIn("http-check expect status 200", `${GET}\nhttp-check expect status 204`)).toContain(
      'lost: a check has one `status`, here "204"',
    );
  });

  test("is that of the backend alone, where its defaults say another", () => {
    const text = [
      `defaults\n mode http\n ${GET}\n http-check expect status 204`,
      "frontend in\n default_backend web",
      `backend web\n http-check expect status 200\n ${CHECKED}`,
    ].join("\n");
    expect(convertHaproxy(text).pools.map((pool) => keysOf(pool).check)).toEqual([
      { path: "/up", status: "200" },
    ]);
  });
});

describe("a line of a backend", () => {
  test.each([
    ["timeout queue 30s", { queue_timeout: "30s" }],
    ["timeout server 5m", { server_timeout: "5m" }],
    ["srvtimeout 5000", { server_timeout: "5s" }],
    ["timeout connect 4s", { connect_timeout: "4s" }],
    ["timeout tunnel 1h", { websocket_idle: "1h" }],
    ["timeout server 2d", { server_timeout: "24h" }],
    ["timeout server 0", { server_timeout: "24h" }],
    ["timeout server soon", {}],
    ["retries 5", { retries: 5 }],
    ["option redispatch", { redispatch: true }],
    ["no option redispatch", { redispatch: false }],
    ["retry-on 503 429 conn-failure", { retry_on: [503, 429] }],
    ["balance leastconn", { balance: "leastconn" }],
    ["balance static-rr", { balance: "roundrobin" }],
    ["balance random(2)", { balance: "random" }],
    ["balance rdp-cookie", {}],
    ["server x x.test weight 0 maxconn 1 slowstart 0", {}],
  ])("%j becomes %j", (line, expected) => {
    const { slots, ...keys } = keysOf(poolWith(line));
    expect([slots, keys]).toEqual([1, expected]);
  });

  test.each([
    ["http-request set-header X-Team reports", { "X-Team": "reports" }, "became: "],
    ['http-request set-header X-Team "a b"', { "X-Team": "a b" }, "became: "],
    ["http-request set-header X-Forwarded-Proto https", undefined, "unneeded: servers get X-Forwarded-Proto"],
    ["http-request set-header X-Ip %[src]", undefined, "lost: "],
    ["http-request set-header X-Team reports if { path_beg /r }", undefined, "lost: "],
    ["http-request set-header Connection close", undefined, "lost: "],
  ])("%j adds the headers %j, and says so", (line, headers, says) => {
    expect(keysOf(poolWith(line)).headers).toEqual(headers);
    const text = behindFrontend(`backend web\n${line}\nserver a a.test:80`);
    expect(said(text, "set-header").join()).toMatch(new RegExp(`^${says}`));
  });

  test("replaces that of its defaults, of which a named one counts where it is named", () => {
    const text = [
      "defaults slow\n mode http\n timeout server 5m\n timeout queue 1m",
      "defaults\n mode http\n timeout server 1s",
      "frontend in from slow\n default_backend web",
      "backend web from slow\n timeout queue 2m\n server a a.test:80 maxconn 1",
    ].join("\n");
    const { pools } = convertHaproxy(text);
    expect(pools[0] && keysOf(pools[0])).toEqual({ slots: 1, queue_timeout: "2m", server_timeout: "5m" });
  });
});

describe("what cannot be a pool", () => {
  test("is a proxy of TCP", () => {
    const text = "listen db\n mode tcp\n bind :3306\n server a a.test:3306\n";
    expect(convertHaproxy(text).pools).toEqual([]);
    expect(said(text, "listen")).toEqual(["lost: mode tcp: Sluice carries HTTP only (all of this section)"]);
  });

  test("is a page of statistics", () => {
    const text = "listen stats\n mode http\n bind :9000\n stats enable\n";
    expect(convertHaproxy(text).pools).toEqual([]);
    expect(said(text, "stats enable")).toEqual([
      "unneeded: the dashboard is at /_sluice/, metrics at /_sluice/metrics",
    ]);
  });

  test("is a backend that no frontend names", () => {
    const text = behindFrontend("backend web\nserver a a.test:80\nbackend old\nserver b b.test:80");
    expect(convertHaproxy(text).pools.map(({ name }) => name)).toEqual(["web"]);
    expect(said(text, "backend old")).toEqual([
      "unneeded: no frontend sends it requests (all of this section)",
    ]);
  });
});

test("a limit of a queue counts for all servers together", () => {
  const limit = (rule: string) => {
    const backend = "backend web\nserver a a.test\nserver b b.test";
    const { pools } = convertHaproxy(behindFrontend(backend, `${rule}\ndefault_backend web`));
    return pools.map(keysOf)[0]?.max_queue;
  };
  expect(limit("http-request deny if { avg_queue(web) gt 10 }")).toBe(20);
  expect(limit("http-request deny if { queue(web) gt 10 }")).toBe(10);
  expect(limit("http-request deny if { queue(web) ge 10 }")).toBe(9);
  expect(limit("backlog 64")).toBe(64);
  expect(limit("http-request deny if { queue(web) gt 10 } { src 10.0.0.1 }")).toBeUndefined();
});
