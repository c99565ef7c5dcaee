import { describe, expect, test } from "vitest";
import { useStage } from "../support/stage.ts";
import { answerTo } from "../support/wire.ts";

// What a Host that is none smuggles in must choose neither this pool nor the admin side.
const stage = useStage({ web: {}, private: { hosts: ["a.test"], path_prefix: "/evil" } });

describe("a request for a host that none can have is refused with 400, and comes to no pool:", () => {
  test.each([
    ["bad host"],
    ["a.test:99999"],
    ["a.test:8a"],
    ["a.test:80:90"],
    ["[::1"],
    ["a.test/evil?"],
    ["a.test/"],
    ["a.test?evil"],
    ["a.test#evil"],
    ["a.test\\evil"],
    ["//a.test"],
    ["http://a.test"],
    ["user:pw@a.test"],
    ["user@a.test"],
    ["@a.test"],
    ["a.test, b.test"],
    ["a,test"],
    ["a.te\tst"],
    ["a.te\u0001st"],
    ["a%2etest"],
    ["a%2ftest"],
    ["*"],
    ["*.test"],
    ["."],
    [".a.test"],
    ["a..test"],
    ["a'test"],
    ['a"test'],
    ["a<test"],
    ["999.1.1.1"],
  ])("%j", async (host) => {
    for (const path of ["/x", "/_sluice/api/pools"]) {
      const answer = await answerTo(stage.sluice.url, [`GET ${path} HTTP/1.1`, `Host: ${host}`]);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      const problem = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")));
      expect(problem).toMatchObject({ code: "invalid-request", detail: expect.stringContaining("Host") });
      expect(problem).not.toHaveProperty("pool");
    }
    expect(stage.origin.count).toBe(0);
    expect((await fetch(`${stage.sluice.url}/_sluice/healthz`)).status).toBe(200);
  });

  test("two of them", async () => {
    const lines = ["GET / HTTP/1.1", "Host: a.test", "Host: b.test"];
    expect(await answerTo(stage.sluice.url, lines)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("an asterisk for a path, where that is not allowed", async () => {
    expect(await answerTo(stage.sluice.url, ["GET * HTTP/1.1", "Host: a.test"])).toMatch(/^HTTP\/1\.1 400 /);
  });
});

test.each([
  ["A.test"],
  ["a.test."],
  ["a.test:8443"],
  ["a.test:"],
  ["a_b.test"],
  ["-a-.test"],
  ["xn--bcher-kva.test"],
  ["b\u00fccher.test"],
  ["localhost"],
  ["[::1]"],
  ["[::1]:8080"],
  ["192.0.2.7:80"],
])("a request for the host %j, which one can have, is served", async (host) => {
  stage.origin.answer = (_request, response) => response.end("served");
  const wire = Buffer.from(host).toString("latin1");
  expect(await answerTo(stage.sluice.url, ["GET /x HTTP/1.1", `Host: ${wire}`])).toMatch(
    /^HTTP\/1\.1 200 [\s\S]*served/,
  );
});
