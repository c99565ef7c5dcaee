import { describe, expect, test } from "vitest";
import { convertHaproxy } from "../../../../src/cli/init/haproxy/convert.ts";
import { behindFrontend, checked, keysOf, said } from "./support.ts";

const SERVER = "server a a.test:80 maxconn 1";
const OFFSET = "http-request set-priority-offset";

/** A file whose frontend has these lines in front of one pool. */
const file = (lines: string, backend = "timeout queue 5m") =>
  behindFrontend(`backend web\n${backend}\n${SERVER}`, `${lines}\ndefault_backend web`);

function prioritiesOf(text: string): unknown {
  const conversion = convertHaproxy(text);
  expect(checked(conversion).filter(({ severity }) => severity === "error")).toEqual([]);
  return conversion.pools[0] && keysOf(conversion.pools[0]).priorities;
}

describe("set-priority-offset", () => {
  test.each([
    ["int(-30000) if { path_beg /chat/ }", [{ path_prefix: "/chat/", ahead: "30s" }]],
    ["int(5000) if METH_POST", [{ method: "POST", ahead: "-5s" }]],
    [
      "int(-1) if { method GET HEAD }",
      [
        { method: "GET", ahead: "1ms" },
        { method: "HEAD", ahead: "1ms" },
      ],
    ],
    ["int(-1000) if { req.fhdr(X-Plan) Gold }", [{ header: "x-plan", value: "Gold", ahead: "1s" }]],
    ["int(-1000) if { req.hdr(x-batch) -m found }", [{ header: "x-batch", ahead: "1s" }]],
    ["int(-1000) if { req.cook(plan) -m str gold }", [{ cookie: "plan", value: "gold", ahead: "1s" }]],
    ["int(-1000)", [{ path_prefix: "/", ahead: "1s" }]],
    ["int(0) if TRUE", [{ path_prefix: "/", ahead: "0ms" }]],
    ["int(-999999) if METH_PUT", [{ method: "PUT", ahead: "524287ms" }]],
    [
      "int(-1000) if { path_beg /a /b } METH_POST or { cook(x) y }",
      [
        { path_prefix: "/a", method: "POST", ahead: "1s" },
        { path_prefix: "/b", method: "POST", ahead: "1s" },
        { cookie: "x", value: "y", ahead: "1s" },
      ],
    ],
    ["int(-1000) if { path_beg /a } { path_beg /a/b }", [{ path_prefix: "/a/b", ahead: "1s" }]],
  ])("%s is the same with the other sign, exactly", (words, expected) => {
    const text = file(`${OFFSET} ${words}`);
    expect(prioritiesOf(text)).toEqual(expected);
    expect(said(text, OFFSET)).toEqual([expect.stringMatching(/^became: priorities has \{ .* ahead = /)]);
  });

  test("of a TCP rule, of the backend and of a `listen` counts too", () => {
    const expected = [{ method: "POST", ahead: "1s" }];
    expect(prioritiesOf(file("tcp-request content set-priority-offset int(-1000) if METH_POST"))).toEqual(
      expected,
    );
    expect(prioritiesOf(file("", `${OFFSET} int(-1000) if METH_POST`))).toEqual(expected);
    expect(
      prioritiesOf(`listen web\nmode http\nbind :80\n${OFFSET} int(-1000) if METH_POST\n${SERVER}`),
    ).toEqual(expected);
  });

  test("counts by the last rule that fits, and so the entries stand the other way round", () => {
    const text = file(
      `${OFFSET} int(10000)\n${OFFSET} int(-20000) if { path_beg /chat/ }`,
      `${OFFSET} int(-30000) if METH_PUT\ntcp-request content set-priority-offset int(-40000) if METH_DELETE`,
    );
    expect(prioritiesOf(text)).toEqual([
      { method: "PUT", ahead: "30s" },
      { method: "DELETE", ahead: "40s" },
      { path_prefix: "/chat/", ahead: "20s" },
      { path_prefix: "/", ahead: "-10s" },
    ]);
  });

  test("that frontend and backend inherit is one entry", () => {
    const text = `defaults\nmode http\n${OFFSET} int(-5) if METH_PUT\nfrontend in\ndefault_backend web\nbackend web\n${SERVER}`;
    expect(prioritiesOf(text)).toEqual([{ method: "PUT", ahead: "5ms" }]);
  });

  test("goes by its ACLs, which are told of with it", () => {
    const text = file(`acl chat path_beg /chat/\nacl chat path_beg /live/\n${OFFSET} int(-5) if chat`);
    expect(prioritiesOf(text)).toEqual([
      { path_prefix: "/chat/", ahead: "5ms" },
      { path_prefix: "/live/", ahead: "5ms" },
    ]);
    expect(said(text, "acl chat path_beg /live/")).toEqual([
      expect.stringMatching(/^became: counts in line \d+$/),
    ]);
  });

  test("is of the pools only whose requests it is about", () => {
    const rules = `use_backend api if { path_beg /api/ }\n${OFFSET} int(-5) if { path_beg /api/v2 }`;
    const text = file(rules, `${SERVER}\nbackend api\nserver b b.test:80`);
    const pools = convertHaproxy(
      text.replace("default_backend web", "use_backend web if { path_beg /web/ }"),
    ).pools;
    expect(pools.map((pool) => [pool.name, keysOf(pool).priorities])).toEqual([
      ["web", undefined],
      ["api", [{ path_prefix: "/api/v2", ahead: "5ms" }]],
    ]);
  });

  test.each([
    ["int(-5) if { path /a }", "/a is also the beginning of longer paths"],
    ["int(-5) if { path_beg -i /a }", "/a in this case only"],
    ["int(-5) if { req.fhdr(x) -i gold }", "gold in this case only"],
    ["int(-5) if { hdr(X-Plan) gold }", "the value of X-Plan counts as a whole, not item by item"],
  ])("%s is taken over, and what is not quite the same is said", (words, why) => {
    const text = file(`${OFFSET} ${words}`);
    expect(prioritiesOf(text)).toHaveLength(1);
    expect(said(text, OFFSET)).toContain(`changed: ${why}`);
  });

  test("of one of two frontends counts for both, and that is said", () => {
    const text = `${file(`${OFFSET} int(-5) if METH_POST`)}\nfrontend two\nbind :81\ndefault_backend web\n`;
    expect(prioritiesOf(text)).toEqual([{ method: "POST", ahead: "5ms" }]);
    expect(said(text, OFFSET)).toContain("changed: it counts for requests of the other frontends, too");
  });

  test.each([
    ["var(txn.x)", "a value that is computed: an entry of `priorities` has a fixed `ahead`"],
    ["int(5),neg", "a value that is computed"],
    ["int(-5) if { src 10.0.0.1 }", '`priorities` go by headers, cookies, paths and methods, not by "src"'],
    ["int(-5) if !METH_POST", "which requests do not meet a condition cannot be said"],
    ["int(-5) unless METH_POST", "which requests do not meet a condition cannot be said"],
    ["int(-5) if { hdr(x-plan) -m beg go }", "`priorities` have whole values, not -m beg go"],
    [
      "int(-5) if { hdr(x-plan),lower gold }",
      "`priorities` go by headers, cookies, paths and methods, not by",
    ],
    ["int(-5) if { path_end .css }", "a pool has the beginning of a path"],
    ["int(-5) if { hdr(a) b } { cook(c) d }", "an entry has one header or one cookie"],
    ["int(-5) if unknown", 'there is no acl "unknown"'],
    ["int(-5) if { cook(a) b;c }", "no request can have"],
  ])("%s is lost, and why is said", (words, why) => {
    const text = file(`${OFFSET} ${words}`);
    expect(prioritiesOf(text)).toBeUndefined();
    expect(said(text, OFFSET)).toEqual([expect.stringContaining(`lost: ${why}`)]);
  });

  test("has as many entries as a pool may have, and the others are lost", () => {
    const paths = Array.from({ length: 33 }, (_, n) => `${OFFSET} int(-5) if { path_beg /${n}/ }`);
    const text = file(paths.join("\n"));
    expect(prioritiesOf(text)).toHaveLength(32);
    expect(said(text, "/0/")).toEqual(["lost: `priorities` are 32 at most"]);
  });
});

describe("set-priority-class", () => {
  const CLASS = "http-request set-priority-class";

  test("is as strict by an `ahead` of queue_timeout for each class between", () => {
    const text = file(
      `${CLASS} int(50) if { path_beg /batch/ }\n${CLASS} int(-9) if { path_beg /admin/ }\n${CLASS} int(-1) if METH_POST`,
    );
    expect(prioritiesOf(text)).toEqual([
      { method: "POST", ahead: "5m" },
      { path_prefix: "/admin/", ahead: "10m" },
      { path_prefix: "/batch/", ahead: "-5m" },
    ]);
    expect(said(text, "/admin/")).toEqual([
      'became: priorities has { path_prefix = "/admin/", ahead = "10m" }',
      "changed: as long as queue_timeout it is as strict as a class; less starves nobody",
    ]);
    const warnings = checked(convertHaproxy(text)).filter(({ key }) => key?.includes("priorities"));
    expect(warnings.map(({ key }) => key)).toEqual(
      [0, 1, 2].map((n) => `vars.POOLS.web.priorities[${n}].ahead`),
    );
  });

  test("goes by the usual queue_timeout where the file has none, and by a day at most", () => {
    expect(prioritiesOf(file(`${CLASS} int(-1) if METH_POST`, ""))).toEqual([
      { method: "POST", ahead: "10m" },
    ]);
    const two = `${CLASS} int(-2) if METH_POST\n${CLASS} int(-1) if METH_PUT`;
    expect(prioritiesOf(file(two, "timeout queue 20h"))).toEqual([
      { method: "PUT", ahead: "20h" },
      { method: "POST", ahead: "24h" },
    ]);
  });

  test("counts before offsets, which are lost then", () => {
    const text = file(`${OFFSET} int(-5) if METH_PUT\n${CLASS} int(-1) if METH_POST`);
    expect(prioritiesOf(text)).toEqual([{ method: "POST", ahead: "5m" }]);
    expect(said(text, OFFSET)).toEqual([
      expect.stringMatching(
        /^lost: an offset counts within a class only, and line \d+ sets one; add an entry with an `ahead` of your own$/,
      ),
    ]);
  });
});
