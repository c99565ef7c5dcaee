import { describe, expect, test } from "vitest";
import { findingsOf, here, told, web } from "./support.ts";

describe.each(["ADMIN_TOKEN", "WEBHOOK_SECRET"])("%s", (name) => {
  test("among the variables is an error that tells the command, and not the secret", () => {
    const text = web(`[vars]\n${name} = "whsec_hunter2" # here`);
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "error",
        key: `vars.${name}`,
        line: here(text),
        message: expect.stringContaining(`\`wrangler secret put ${name}\``),
      },
    ]);
    expect(JSON.stringify(findingsOf(text))).not.toContain("hunter2");
  });

  test("is found in an environment that has nothing else", () => {
    expect(told(web(`[env.staging.vars]\n${name} = "x"`))).toContainEqual(
      expect.stringContaining(`error env.staging.vars.${name}: `),
    );
  });
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
