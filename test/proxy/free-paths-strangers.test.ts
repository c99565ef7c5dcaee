import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { answerTo } from "../support/wire.ts";

/** Drained, and with no room on the waiting list: what needs a slot is refused, and what is free gets through. */
let sluice: Sluice;
let origin: Origin;
beforeAll(async () => {
  origin = await Origin.start((_request, response) => response.writeHead(204).end());
  const servers = [{ name: "web-1", url: origin.url, headers: { "X-Gate-Key": { secret: "KEY" } } }];
  const free_paths = ["/static/", "OPTIONS /", "POST /hook"];
  const web = { servers, free_paths, free_paths_in_drain: true, max_queue: 0 };
  sluice = await Sluice.start({ pools: { web }, texts: { KEY: "k-1" } });
  await sluice.drain("web");
});
afterAll(async () => {
  await sluice.stop();
  await origin.stop();
});

async function statusOf(requestLine: string, ...headers: string[]): Promise<string> {
  const answer = await answerTo(sluice.url, [`${requestLine} HTTP/1.1`, "Host: a.test", ...headers]);
  return answer.slice(9, 12);
}

describe("without a slot there go", () => {
  test.each([
    "GET /static/",
    "HEAD /static/app.js?v=1",
    "POST /static/x",
    "GET /static/My%20File%20%C3%BC.pdf",
    "GET /static/x?next=/../work&y=%2e%2e",
    "OPTIONS /",
    "OPTIONS /work?x",
    "POST /hook/1",
    "GET http://a.test/static/x",
  ])("%s", async (line) => {
    expect(await statusOf(line)).toBe("204");
  });

  test("requests with the secret that servers know Sluice by", async () => {
    origin.answer = (request, response) =>
      response.writeHead(204, { "X-Saw": request.headers["x-gate-key"] }).end();
    expect(await answerTo(sluice.url, ["GET /static/x HTTP/1.1", "Host: a.test"])).toContain("X-Saw: k-1");
  });
});

describe("a stranger does not get past the slots by", () => {
  test.each([
    ["dot segments", "GET /static/../work"],
    ["dot segments that lead to a free path", "GET /work/../static/x"],
    ["one dot", "GET /static/./work"],
    ["an encoded slash", "GET /static/..%2fwork"],
    ["an encoded slash in capitals", "GET /static/..%2Fwork"],
    ["encoded dots", "GET /static/%2e%2e/work"],
    ["half encoded dots", "GET /static/.%2E/work"],
    ["encoded dots and slash", "GET /static/%2e%2e%2fwork"],
    ["twice encoded dots", "GET /static/%252e%252e/work"],
    ["a parameter", "GET /static/..;/work"],
    ["a parameter of the free segment", "GET /static/;/../work"],
    ["an empty segment", "GET /static//../work"],
    ["an empty segment at first", "GET //static/x"],
    ["a backslash", "GET /static\\..\\work"],
    ["a backslash after the slash", "GET /static/..\\work"],
    ["an encoded backslash", "GET /static/..%5cwork"],
    ["an encoded NUL", "GET /static/x%00/../work"],
    ["overlong dots", "GET /static/%c0%ae%c0%ae/work"],
    ["full-width dots", "GET /static/%ef%bc%8e%ef%bc%8e/work"],
    ["a tab", "GET /static/\t/work"],
    ["a tab within the free path", "GET /sta\ttic/x"],
    ["a tab within the dots", "GET /static/.\t./work"],
    ["an encoded question mark", "GET /static/%3f/../work"],
    ["bytes that are no ASCII", "GET /static/\u00fc"],
    ["another case", "GET /Static/x"],
    ["an encoded letter", "GET /%73tatic/x"],
    ["an absolute address with dots", "GET http://a.test/static/../work"],
    ["an absolute address with a user", "GET http://static/@a.test/work"],
    ["an absolute address without a path", "GET http://a.test?/static/"],
    ["a method in lower case", "options /work"],
    ["another method", "GET /hook/1"],
    ["the server as a whole", "OPTIONS *"],
  ])("%s", async (_, line) => {
    const { count } = origin;
    expect(await statusOf(line)).not.toBe("204");
    expect(origin.count).toBe(count);
  });

  test.each([
    [
      "a WebSocket",
      "GET /static/x",
      [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      ],
    ],
    ["another protocol", "GET /static/x", ["Upgrade: h2c"]],
    ["a header that names another path", "GET /static/x", ["X-Original-URL: /work"]],
    ["a header that rewrites the path", "GET /static/x", ["X-Rewrite-Url: /work"]],
    ["a header that takes away the path's beginning", "GET /static/work", ["X-Script-Name: /static"]],
    // Gunicorn's, which needs no setting for it.
    ["the same as CGI calls it", "GET /static/work", ["SCRIPT_NAME: /static"]],
    ["a path as CGI calls it", "GET /static/x", ["PATH_INFO: /work"]],
    ["such a header as CGI reads it", "GET /static/x", ["X_Original_URL: /work"]],
    ["a header that names another method", "OPTIONS /work", ["X-HTTP-Method-Override: POST"]],
    ["another such header", "POST /hook", ["X-Method-Override: DELETE"]],
    ["one that CGI reads so", "POST /hook", ["X_HTTP_Method: DELETE"]],
    ["a field of the query that names another method", "OPTIONS /work?a=1&_method=POST", []],
    ["that field, encoded", "POST /hook?%5Fmethod=DELETE", []],
  ])("%s", async (_, line, headers) => {
    expect(await statusOf(line, ...headers)).not.toBe("204");
  });

  test("a fragment, which goes to no server", async () => {
    const seen: (string | undefined)[] = [];
    origin.answer = ({ url }, response) => {
      seen.push(url);
      response.writeHead(204).end();
    };
    expect(await statusOf("GET /static/x#/../../work")).toBe("204");
    expect(seen).toEqual(["/static/x"]);
  });

  test("naming another method where the free path is one of any", async () => {
    expect(await statusOf("GET /static/x", "X-HTTP-Method-Override: POST")).toBe("204");
  });
});
