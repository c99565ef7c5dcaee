import { describe, expect, test } from "vitest";
import { convertHaproxy } from "../../../../src/cli/init/haproxy/convert.ts";
import type { PoolTable } from "../../../../src/cli/init/pool-table.ts";
import { behindFrontend, checked, keysOf, said } from "./support.ts";

/** A file whose frontend has these lines in front of one pool. */
const file = (lines: string) =>
  behindFrontend("backend web\nserver a a.test:80 maxconn 1", `${lines}\ndefault_backend web`);

describe("a limit of what one client has open", () => {
  const limit = (track: string, deny: string, more = "") =>
    file(`stick-table type ip size 1m expire 1m store conn_cur\n${track}\n${more}\n${deny}`);
  function flowOf(text: string): unknown {
    const conversion = convertHaproxy(text);
    expect(checked(conversion).filter(({ severity }) => severity === "error")).toEqual([]);
    const { flow, max_queue_per_flow } = conversion.pools[0] ? keysOf(conversion.pools[0]) : {};
    return [flow, max_queue_per_flow];
  }

  test.each([
    [
      "http-request track-sc0 src",
      "http-request deny deny_status 429 if { sc_conn_cur(0) gt 20 }",
      "address",
      20,
    ],
    ["http-request track-sc1 src", "http-request deny if { sc1_conn_cur ge 20 }", "address", 19],
    [
      "tcp-request content track-sc0 src",
      "tcp-request content reject if { src_conn_cur gt 5 }",
      "address",
      5,
    ],
    [
      "http-request track-sc2 req.hdr(X-Api-Key) table t",
      "http-request return status 429 if { sc_conn_cur(2,t) gt 5 }",
      "header:x-api-key",
      5,
    ],
    ["http-request track-sc0 req.cook(sid)", "http-request tarpit if { sc0_conn_cur gt 1 }", "cookie:sid", 1],
    ["http-request track-sc0 url_param(key)", "http-request deny if { sc0_conn_cur ge 1 }", "query:key", 1],
  ])("%s, %s is one of what it has waiting", (track, deny, flow, most) => {
    const text = limit(track, deny);
    expect(flowOf(text)).toEqual([flow, most]);
    expect(said(text, deny)).toEqual([
      `became: flow = "${flow}", max_queue_per_flow = ${most}`,
      "changed: each pool counts for itself, those that wait and not those at work; and clients share the servers' time",
    ]);
    for (const part of [track, "stick-table"])
      expect(said(text, part)).toEqual([
        expect.stringMatching(/^unneeded: line \d+ says whose requests are counted$/),
      ]);
  });

  test("goes by the smallest one, and tells of the others", () => {
    const text = file(
      [
        "acl many sc0_conn_cur gt 9",
        "http-request track-sc0 src",
        "http-request track-sc1 req.hdr(x-key)",
        "http-request deny if many",
        "http-request deny if { sc0_conn_cur gt 30 }",
        "http-request deny if { sc1_conn_cur gt 40 }",
      ].join("\n"),
    );
    expect(flowOf(text)).toEqual(["address", 9]);
    expect(said(text, "acl many").join()).toMatch(/^became: counts in line/);
    expect(said(text, "gt 30").join()).toMatch(/^unneeded: line \d+ has the limit, 9$/);
    expect(said(text, "gt 40").join()).toMatch(/^lost: a pool has one `flow`; that of line \d+ counts$/);
  });

  test.each([
    ["http-request track-sc0 src", "tcp-request connection reject if { src_conn_cur gt 20 }"],
    ["http-request track-sc0 src", "http-request deny if { sc1_conn_cur gt 20 }"],
    ["http-request track-sc0 src if { path_beg /a }", "http-request deny if { sc0_conn_cur gt 20 }"],
    ["http-request track-sc0 base32+src", "http-request deny if { sc0_conn_cur gt 20 }"],
    ["http-request track-sc0 path", "http-request deny if { sc0_conn_cur gt 20 }"],
    ["http-request track-sc0 src", "http-request deny if { sc0_conn_cur lt 20 }"],
    ["http-request track-sc0 src", "http-request deny if { sc0_conn_cur gt 20 } { path_beg /a }"],
  ])("%s, %s is lost where nothing of ours says it", (track, deny) => {
    const text = limit(track, deny);
    expect(flowOf(text)).toEqual([undefined, undefined]);
    expect(said(text, deny).join()).toMatch(/^lost: /);
  });

  test("of a rate is lost, and what to look at is said", () => {
    const text = limit("http-request track-sc0 src", "http-request deny if { sc_http_req_rate(0) gt 20 }");
    expect(flowOf(text)).toEqual([undefined, undefined]);
    expect(said(text, "http_req_rate")).toEqual([
      "lost: limits on rates are Rate Limiting Rules of Cloudflare; `flow` gives each client the same share of the servers' time",
    ]);
  });

  test("is lost beside priorities, which would count within each client's own requests", () => {
    const deny = "http-request deny if { sc0_conn_cur gt 20 }";
    const text = limit(
      "http-request track-sc0 src",
      deny,
      "http-request set-priority-offset int(-5) if METH_POST",
    );
    expect(flowOf(text)).toEqual([undefined, undefined]);
    expect(keysOf(convertHaproxy(text).pools[0] as PoolTable).priorities).toEqual([
      { method: "POST", ahead: "5ms" },
    ]);
    expect(said(text, deny)).toEqual([expect.stringMatching(/^lost: `flow` .*; choose$/)]);
  });
});
