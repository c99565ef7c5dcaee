import { describe, expect, test } from "vitest";
import { findingsOf, here, told, web } from "./support.ts";

describe("ADMIN_TOKEN", () => {
  test("among the variables is an error that tells the command, and not the token", () => {
    const text = web('[vars]\nADMIN_TOKEN = "hunter2" # here');
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "error",
        key: "vars.ADMIN_TOKEN",
        line: here(text),
        message: expect.stringContaining("`wrangler secret put ADMIN_TOKEN`"),
      },
    ]);
    expect(JSON.stringify(findingsOf(text))).not.toContain("hunter2");
  });

  test("is found in an environment that has nothing else", () => {
    expect(told(web('[env.staging.vars]\nADMIN_TOKEN = "x"'))).toContainEqual(
      expect.stringContaining("error env.staging.vars.ADMIN_TOKEN: "),
    );
  });
});

test("WEBHOOK_SECRET among the variables is an error too", () => {
  const text = web('[vars]\nWEBHOOK_SECRET = "whsec_hunter2" # here');
  expect(findingsOf(text)).toMatchObject([
    {
      severity: "error",
      key: "vars.WEBHOOK_SECRET",
      line: here(text),
      message: expect.stringContaining("`wrangler secret put WEBHOOK_SECRET`"),
    },
  ]);
  expect(JSON.stringify(findingsOf(text))).not.toContain("hunter2");
});

describe("ADMIN_HOST", () => {
  test.each([
    '"admin.example.com"',
    '"Admin.Example.com"',
    '"localhost"',
    '"[::1]"',
    '"xn--bcher-kva.example"',
  ])("may be %s", (host) => {
    expect(findingsOf(web(`[vars]\nADMIN_HOST = ${host}`))).toEqual([]);
  });

  test.each([
    '"https://admin.example.com"',
    '"admin.example.com/"',
    '"admin.example.com:8443"',
    '"admin.example.com."',
    '""',
    '"*.example.com"',
    '"bücher.example"',
    '"a b"',
    "5",
    "true",
  ])("may not be %s, which is never a request's", (host) => {
    const text = web(`[vars]\nADMIN_HOST = ${host} # here`);
    const findings = findingsOf(text);
    expect(findings).toMatchObject([{ severity: "error", key: "vars.ADMIN_HOST", line: here(text) }]);
    expect(findings[0]?.message).toContain(host);
  });
});
