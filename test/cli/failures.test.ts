import type { IncomingMessage } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { unreachable } from "../../src/cli/client/failures.ts";
import { type Handler, Origin } from "../support/origin.ts";
import { Sluice, type SluiceOptions, TOKEN } from "../support/sluice.ts";
import { Run } from "./command.ts";
import { end } from "./end.ts";

const POOLS = { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } };

/** Of a request that nobody has stored. */
const ID = "0".repeat(96);
const NO_REQUEST = "web has no such deferred request; it may have been forgotten after its end.";

async function sluiceWith(options: Partial<SluiceOptions> = {}): Promise<Sluice> {
  const sluice = await Sluice.start({ pools: POOLS, ...options });
  onTestFinished(() => sluice.stop());
  return sluice;
}

async function other(answer: Handler): Promise<Origin> {
  const origin = await Origin.start(answer);
  onTestFinished(() => origin.stop());
  return origin;
}

const answering =
  (status: number, type: string, body: string, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    response.writeHead(status, { "Content-Type": type, ...headers }).end(body);

describe("where nobody is", () => {
  test.each([
    ["status"],
    ["drain", "web"],
    ["resume", "web"],
    ["server", "web", "web-1"],
    ["deferred", "web"],
    ["deferred", "web", "retry", "12"],
    ["deferred", "web", "cancel", ID],
    ["roll", "web", "--", "echo", "ran"],
    ["deploy", "web", "--", "echo", "ran"],
    ["top"],
  ])("%s ends with 69 and says where it looked", async (...args) => {
    // No server of a test's: one that has just been stopped may have its port taken by another test's.
    const url = "http://127.0.0.1:2";
    const { code, stdout, stderr } = await end(args, { url });
    expect({ code, stdout }).toEqual({ code: 69, stdout: "" });
    expect(stderr).toContain(`${url} cannot be reached: connect ECONNREFUSED`);
  });

  test("a connection that breaks off ends it with 69", async () => {
    const { url } = await other((request) => request.socket.destroy());
    expect(await end(["status"], { url })).toMatchObject({ code: 69 });
  });

  test.each([502, 503, 504, 522])("a proxy's %d ends it with 69", async (status) => {
    const { url } = await other(answering(status, "text/html", "<h1>no</h1>"));
    expect(await end(["status"], { url })).toMatchObject({
      code: 69,
      stderr: `sluice: ${url} answered ${status}, not by Sluice.\n`,
    });
  });
});

test("a deploy or a roll that cannot reach Sluice ends at once, and says nothing of a drain", async () => {
  const { url } = await other(answering(503, "text/html", "<h1>no</h1>"));
  const stderr = expect.stringMatching(/^sluice: [^\n]* answered 503, not by Sluice\.\n$/);
  for (const name of ["deploy", "roll"]) {
    const run = await end([name, "web", "--", "echo", "ran"], { url });
    expect(run).toEqual({ code: 69, stdout: "", stderr });
  }
});

describe("of a request that had no answer it is known that it was not sent", () => {
  test.each([
    ["where nobody listens", "ECONNREFUSED", true],
    ["where no connection came about in time", "UND_ERR_CONNECT_TIMEOUT", true],
    ["to a certificate that nobody knows", "DEPTH_ZERO_SELF_SIGNED_CERT", true],
    ["to a certificate of an unknown issuer", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", true],
    ["to a certificate of the past", "CERT_HAS_EXPIRED", true],
    ["to another's certificate", "ERR_TLS_CERT_ALTNAME_INVALID", true],
    ["but not where the connection broke", "ECONNRESET", false],
    ["but not where the answer took too long", "UND_ERR_HEADERS_TIMEOUT", false],
  ])("%s: %s", (_, code, notSent) => {
    const cause = Object.assign(new Error("no"), { code });
    expect(unreachable("https://a.test", new TypeError("fetch failed", { cause })).notSent).toBe(notSent);
  });
});

describe("what is not Sluice ends it with 70", () => {
  test.each([
    ["a page", answering(200, "text/html", "<h1>hello</h1>"), "answered 200 with text/html"],
    ["other JSON", answering(200, "application/json", '{"hello":1}'), "answered 200 with application/json"],
    ["JSON that is nothing", answering(200, "application/json", "null"), "answered 200"],
    ["a page that is not there", answering(404, "text/html", "<h1>no</h1>"), "answered 404 with text/html"],
    ["an error", answering(500, "application/json", "{}"), "answered 500"],
    ["nothing", answering(204, "x", ""), "answered 204"],
    [
      "an answer that plays with the terminal",
      answering(200, "text/\u009b2J", ""),
      "answered 200 with text/?2J, which is not Sluice's admin side: check SLUICE_URL.\n",
    ],
  ])("%s", async (_, answer, words) => {
    const { url } = await other(answer);
    for (const args of [["status"], ["status", "web"]]) {
      const { code, stdout, stderr } = await end(args, { url });
      expect({ code, stdout }).toEqual({ code: 70, stdout: "" });
      expect(stderr).toContain(words);
    }
  });

  test.each([
    ["a pool, asked for all", ["status"], '{"name":"web","servers":[]}'],
    ["all pools, asked for one", ["status", "web"], '{"pools":[],"unreachable":[]}'],
    ["another pool than was asked for", ["status", "web"], '{"name":"api","servers":[]}'],
    ["a pool, asked for its requests", ["deferred", "web"], '{"name":"web","servers":[]}'],
    ["a list, asked who one is", ["drain", "web"], '{"pools":[],"unreachable":[]}'],
    [
      "rights that are none, asked who one is",
      ["roll", "web", "--", "echo"],
      '{"name":"a","pools":{"web":1}}',
    ],
    [
      "another request than was to be canceled",
      ["deferred", "web", "cancel", ID],
      '{"id":"x","state":"running"}',
    ],
    [
      "a list, where one was to be tried again",
      ["deferred", "web", "retry", ID],
      '{"requests":[],"next":null}',
    ],
  ])("%s", async (_, args, body) => {
    const { url } = await other(answering(200, "application/json", body));
    expect(await end(args, { url })).toMatchObject({ code: 70, stdout: "" });
  });

  test("nothing, where a request was to be canceled: not every 204 is Sluice's", async () => {
    const { url } = await other(answering(204, "x", ""));
    expect(await end(["deferred", "web", "cancel", ID], { url })).toMatchObject({ code: 70, stdout: "" });
  });

  test("a redirect, which the token does not follow", async () => {
    const asked: IncomingMessage[] = [];
    const there = await other((request, response) => {
      asked.push(request);
      response.writeHead(200, { "Content-Type": "application/json" }).end('{"pools":[],"unreachable":[]}');
    });
    const { url } = await other(answering(302, "text/plain", "", { Location: `${there.url}/login` }));
    const { code, stderr } = await end(["status"], { url });
    expect(code).toBe(70);
    expect(stderr).toContain(`${url} redirects to ${there.url}/login: set SLUICE_URL to where Sluice is.`);
    expect(asked).toEqual([]);
  });
});

describe("a name that nobody can have ends it with 64, wherever in the admin side it would have led:", () => {
  test.each([
    [["status", "web/events"], 'There is no pool "web/events".'],
    [["status", "web?x"], 'There is no pool "web?x".'],
    [["status", "web#x"], 'There is no pool "web#x".'],
    [["status", ".."], 'There is no pool "..".'],
    [["drain", "x/../web"], 'There is no pool "x/../web".'],
    [["server", "web", "../../web", "--slots", "2"], 'web has no server "../../web".'],
    [["status", ""], "The name of the pool is empty."],
    [["server", "web", "", "--slots", "2"], "The name of the server is empty."],
    [["deferred", "a/b", "cancel", ID], 'There is no pool "a/b".'],
    [["deferred", "web", "cancel", "../drain"], NO_REQUEST],
    [["deferred", "web", "retry", `${ID}/x`], NO_REQUEST],
    [["deferred", "web", "retry", ""], NO_REQUEST],
  ])("%j", async (args, words) => {
    expect(await end(args, { url: "http://127.0.0.1:1" })).toEqual({
      code: 64,
      stdout: "",
      stderr: `sluice: ${words}\n`,
    });
  });

  test("a deploy's too", async () => {
    const run = await end(["deploy", "", "--", "echo", "ran"], { url: "http://127.0.0.1:1" });
    expect(run).toMatchObject({ code: 64, stdout: "" });
    expect(run.stderr).toContain("The name of the pool is empty.");
  });
});

describe("a Sluice that refuses", () => {
  test("a wrong token ends it with 77 and says which variable to look at", async () => {
    const { url } = await sluiceWith();
    const wrong = { SLUICE_TOKEN: "not-the-token" };
    for (const args of [["status"], ["drain", "web"], ["deploy", "web", "--", "echo", "ran"]]) {
      const { code, stdout, stderr } = await end(args, { url, env: wrong });
      expect({ code, stdout }).toEqual({ code: 77, stdout: "" });
      expect(stderr).toContain(
        "Sluice does not know this token: check SLUICE_TOKEN. It is the Worker's ADMIN_TOKEN",
      );
    }
  });

  test("--token and --url go before the environment", async () => {
    const { url } = await sluiceWith();
    const nowhere = { url: "http://127.0.0.1:1", env: { SLUICE_TOKEN: "not-the-token" } };
    const run = new Run(["status", "--url", url, "--token", TOKEN], nowhere);
    expect(await run.code, run.stderr).toBe(0);
  });

  test("one whose admin side is off ends it with 77 and says how to switch it on", async () => {
    const { url } = await sluiceWith({ token: null });
    const { code, stderr } = await end(["status"], { url });
    expect(code).toBe(77);
    expect(stderr).toMatch(/No ADMIN_TOKEN is set.*wrangler secret put ADMIN_TOKEN/);
  });

  test("one whose token is too short to be safe ends it with 77 and says how long one is", async () => {
    const { url } = await sluiceWith({ token: "short-token" });
    const { code, stderr } = await end(["status"], { url });
    expect(code).toBe(77);
    expect(stderr).toMatch(/ADMIN_TOKEN has fewer than 16 characters.*wrangler secret put ADMIN_TOKEN/);
  });

  test("one whose configuration does not parse ends it with 70 and names the key", async () => {
    const { url } = await sluiceWith({ pools: { web: { ...POOLS.web, slots: 0 } } });
    const { code, stderr } = await end(["status"], { url });
    expect(code).toBe(70);
    expect(stderr).toMatch(/^sluice: Sluice answered 500 misconfigured: .*slots/);
  });
});

describe("a token that travels unencrypted", () => {
  const WARNING = "warning: the token travels unencrypted";

  test("to another machine is warned of", async () => {
    const origin = await Origin.start(answering(200, "application/json", '{"pools":[],"unreachable":[]}'));
    onTestFinished(() => origin.stop());
    // This machine too, but not by a loopback address.
    const url = origin.url.replace("127.0.0.1", "0.0.0.0");
    const { stderr } = await end(["status"], { url });
    expect(stderr).toBe(`sluice: ${WARNING} to ${url}; use https.\n`);
  });

  test("on this machine is not worth a word", async () => {
    const { url } = await other(answering(200, "application/json", '{"pools":[],"unreachable":[]}'));
    for (const here of [url, url.replace("127.0.0.1", "localhost")]) {
      expect(await end(["status"], { url: here })).toMatchObject({ code: 0, stderr: "" });
    }
  });
});
