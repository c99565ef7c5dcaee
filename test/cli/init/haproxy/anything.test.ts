import * as fc from "fast-check";
import { expect, test } from "vitest";
import { convertHaproxy } from "../../../../src/cli/init/haproxy/convert.ts";
import { wordsOf } from "../../../../src/cli/init/haproxy/words.ts";
import { checked } from "./support.ts";

const WORDS = [
  ..."global defaults frontend backend listen peers from mode http tcp bind server default-server option".split(
    " ",
  ),
  ..."httpchk http-check expect send status rstatus string meth uri hdr acl use_backend default_backend if".split(
    " ",
  ),
  ..."unless or || ! { } hdr(host) hdr_end(host) path_beg path_reg base_beg src -i -m -f beg reg end str".split(
    " ",
  ),
  ..."set-header X-A X-Forwarded-For timeout queue server connect client tunnel check 10s 5000 0 2d retries redispatch no balance source".split(
    " ",
  ),
  ..."roundrobin random(2) maxconn weight backup check inter rise fall ssl cookie disabled backlog retry-on".split(
    " ",
  ),
  ..."503 conn-failure avg_queue(web) queue gt ge tcp-request content reject http-request deny web api a b".split(
    " ",
  ),
  ..."a.test b.test .a.test / /api /api/v2 ^/x/.* a.test:80 10.0.0.1:81 [::1]:80 ::1 unix@/a a.test/x constructor".split(
    " ",
  ),
  ..."hdr(x) hdr(__proto__) uri url_param hash req.cook(sid),lower stick on match store-request prefix insert".split(
    " ",
  ),
  ..."port slowstart 8081 capture request header Cookie User-Agent errorfile http-error 503 string text/html".split(
    " ",
  ),
  ..."fhdr name value -m HEAD OPTIONS hdr\\ Host http-send-name-header errorfiles http-errors unique-id-header".split(
    " ",
  ),
  ..."set-priority-offset set-priority-class int(-5) int(9) track-sc0 req.cook(sid) sc_conn_cur(0) src_conn_cur".split(
    " ",
  ),
  ..."store conn_cur method METH_GET found stick-table deny path req.fhdr(x-plan) gold /chat/ METH_POST".split(
    " ",
  ),
  ..."__proto__ toString .if %[req.hdr(host)] ^(a+)+$ \\ \" ' # é \u0000 \u2028 -1 1e9 999999999999999999999".split(
    " ",
  ),
];

const line = fc.array(fc.oneof(fc.constantFrom(...WORDS), fc.string({ unit: "grapheme" })), { maxLength: 9 });
const anyText = fc
  .array(
    line.map((words) => words.join(" ")),
    { maxLength: 40 },
  )
  .map((lines) => lines.join("\n"));
const sections = fc
  .array(
    fc.oneof(
      line.map((words) => words.join(" ")),
      fc.constantFrom("frontend in", "backend web", "backend api", "listen a", "defaults", "mode http"),
      fc.constantFrom("errorfile 503 /e", "capture request header User-Agent len 9", "errorfiles own"),
      fc.constantFrom("server s a.test:80 check maxconn 1", "server t b.test:80", "default_backend web"),
      line.map((words) => `http-request set-priority-offset int(-5) if ${words.join(" ")}`),
      fc.constantFrom(
        "http-request set-priority-class int(1) if METH_GET or { path_beg /api }",
        "http-request track-sc0 src",
        "http-request deny if { sc_conn_cur(0) gt 9 }",
      ),
      fc.constantFrom("balance hdr(x)", "stick on src", "cookie sid prefix", "http-check expect string OK"),
      fc.constantFrom(
        "option httpchk HEAD /up",
        "http-check send hdr Host a.test",
        "server u c.test:80 port 1",
      ),
      fc.constantFrom("use_backend api if { path_beg /api }", "use_backend web if { hdr(host) a.test }"),
    ),
    { maxLength: 60 },
  )
  .map((lines) => lines.join("\n"));

test("no text crashes the conversion, and what comes of it passes `sluice check`", () => {
  fc.assert(
    fc.property(fc.oneof(anyText, sections), (text) => {
      const conversion = convertHaproxy(text, () => "HTTP/1.0 503 x\r\n\r\n<p>'''</p>\n");
      if (conversion.pools.length === 0) return;
      const errors = checked(conversion).filter(({ severity }) => severity === "error");
      expect(errors.filter(({ message }) => !message.includes("bytes as JSON"))).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

test("each line with a word is told of, by itself or with its section", () => {
  fc.assert(
    fc.property(sections, (text) => {
      const { remarks } = convertHaproxy(text);
      const lines = text.split(/\r?\n/);
      const wholes = remarks.filter(({ message }) => message.endsWith("(all of this section)"));
      const silent = lines.flatMap((given, index) => {
        const number = index + 1;
        const [first] = wordsOf(given);
        const isTold = remarks.some((remark) => remark.line === number);
        const isCovered = wholes.some((whole) => whole.line < number);
        return first === undefined || first === "defaults" || isTold || isCovered ? [] : [given];
      });
      expect(silent).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});
