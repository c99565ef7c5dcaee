/** The command behind Cloudflare Access, which a server plays here that passes on whom it knows. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { end } from "./end.ts";

const POOLS = { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } };
const SERVICE = { SLUICE_ACCESS_ID: "0b31.access", SLUICE_ACCESS_SECRET: "the-secret-of-the-service" };
const LOGIN = "https://acme.cloudflareaccess.com/cdn-cgi/access/login/admin.example.com?kid=1";

let sluice: Sluice;
beforeAll(async () => {
  sluice = await Sluice.start({ pools: POOLS });
});
afterAll(() => sluice.stop());

/** `vouched`: the token of whom Access vouches for, as the Worker would go by its word; `null`: it does not. */
async function access(vouched: string | null): Promise<string> {
  const front = await Origin.start(async ({ url = "", headers }, response) => {
    const isKnown =
      headers["cf-access-client-id"] === SERVICE.SLUICE_ACCESS_ID &&
      headers["cf-access-client-secret"] === SERVICE.SLUICE_ACCESS_SECRET;
    if (!isKnown) return void response.writeHead(302, { Location: LOGIN }).end();
    const authorization = headers.authorization ?? (vouched === null ? undefined : `Bearer ${vouched}`);
    const answer = await fetch(sluice.url + url, { headers: authorization ? { authorization } : {} });
    response
      .writeHead(answer.status, { "Content-Type": answer.headers.get("content-type") ?? "" })
      .end(await answer.text());
  });
  onTestFinished(() => front.stop());
  return front.url;
}

describe("behind Cloudflare Access", () => {
  test("a service token gets the command through, beside a token or in place of one", async () => {
    const both = await end(["status"], { url: await access(null), env: SERVICE });
    expect(both).toMatchObject({ code: 0, stderr: "" });
    const alone = { ...SERVICE, SLUICE_TOKEN: undefined };
    expect(await end(["status"], { url: await access(TOKEN), env: alone })).toMatchObject({
      code: 0,
      stderr: "",
    });
  });

  test("without one, or with another, it ends with 77 and says what to set", async () => {
    const url = await access(null);
    const words = `sluice: ${url} is behind Cloudflare Access, which does not know you: set SLUICE_ACCESS_ID and SLUICE_ACCESS_SECRET to a service token that its application lets in.\n`;
    for (const env of [{}, { ...SERVICE, SLUICE_ACCESS_SECRET: "another-secret" }])
      expect(await end(["drain", "web"], { url, env })).toEqual({ code: 77, stdout: "", stderr: words });
  });

  test("where Sluice does not go by Access, a service token alone ends it with 77, which says so", async () => {
    const env = { ...SERVICE, SLUICE_TOKEN: undefined };
    expect(await end(["status"], { url: await access(null), env })).toEqual({
      code: 77,
      stdout: "",
      stderr:
        "sluice: Sluice does not go by Cloudflare Access here: check its variable ACCESS, or set SLUICE_TOKEN too.\n",
    });
  });

  test.each([
    ["half a service token", { SLUICE_ACCESS_ID: "0b31.access" }],
    ["the other half", { SLUICE_ACCESS_SECRET: "the-secret-of-the-service" }],
    ["one that no header can hold", { ...SERVICE, SLUICE_ACCESS_SECRET: "the-secret\nof" }],
  ])("%s ends it with 77 before anything is asked, and is not shown", async (_, env) => {
    const { code, stderr } = await end(["status"], { url: "http://127.0.0.1:1", env });
    expect(code).toBe(77);
    expect(stderr).toContain("SLUICE_ACCESS_ID and SLUICE_ACCESS_SECRET are no service token");
    expect(stderr).not.toContain("the-secret");
  });
});
