import { describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage();

/** The headers that the origin and the client see of one exchange. */
async function exchange(headers: Record<string, string | string[]> = {}, answered: [string, string][] = []) {
  const answer = send(stage.sluice.url, { headers });
  const { request, response } = await stage.origin.arrival();
  for (const [name, value] of answered) response.appendHeader(name, value);
  response.end();
  return { toServer: request.headers, raw: request.rawHeaders, toClient: (await answer).headers };
}

describe("X-Forwarded-For", () => {
  test("names the client, as Cloudflare says who it is", async () => {
    const { toServer } = await exchange({ "CF-Connecting-IP": "203.0.113.7" });
    expect(toServer["x-forwarded-for"]).toBe("203.0.113.7");
  });

  test("is appended to, not replaced", async () => {
    const { toServer } = await exchange({
      "CF-Connecting-IP": "203.0.113.7",
      "X-Forwarded-For": "198.51.100.1, 203.0.113.77",
    });
    expect(toServer["x-forwarded-for"]).toBe("198.51.100.1, 203.0.113.77, 203.0.113.7");
  });

  test("stays as it is where the client is the last already", async () => {
    const chain = "198.51.100.1,203.0.113.7";
    const { toServer } = await exchange({ "CF-Connecting-IP": "203.0.113.7", "X-Forwarded-For": chain });
    expect(toServer["x-forwarded-for"]).toBe(chain);
  });

  test("is appended to where the client is in it, but not last", async () => {
    const { toServer } = await exchange({
      "CF-Connecting-IP": "2001:db8::1",
      "X-Forwarded-For": "2001:db8::1, 198.51.100.1",
    });
    expect(toServer["x-forwarded-for"]).toBe("2001:db8::1, 198.51.100.1, 2001:db8::1");
  });

  test("stays as it came where nobody says who the client is", async () => {
    expect((await exchange()).toServer).not.toHaveProperty("x-forwarded-for");
    const { toServer } = await exchange({ "X-Forwarded-For": "198.51.100.1" });
    expect(toServer["x-forwarded-for"]).toBe("198.51.100.1");
  });
});

test("X-Forwarded-Proto and X-Forwarded-Host say what the client asked for, whatever it claims", async () => {
  const { toServer } = await exchange({
    Host: "app.example.com:8443",
    "X-Forwarded-Host": "forged.test",
    "X-Forwarded-Proto": "https",
  });
  expect(toServer["x-forwarded-host"]).toBe("app.example.com:8443");
  expect(toServer["x-forwarded-proto"]).toBe("http");
  expect(toServer.host).toBe(new URL(stage.origin.url).host);
});

describe("what other proxies say in headers of their own does not stand beside that as the client claims it:", () => {
  const forged = { "CF-Connecting-IP": "203.0.113.7", Host: "app.example.com" };

  test.each([
    "X-Real-IP",
    "X-Client-IP",
    "Client-IP",
    "X-Cluster-Client-IP",
    "True-Client-IP",
    "Fastly-Client-IP",
  ])("%s names the client, or nobody where nobody knows", async (name) => {
    const { toServer } = await exchange({ ...forged, [name]: "198.51.100.1" });
    expect(toServer[name.toLowerCase()]).toBe("203.0.113.7");
    const unknown = await exchange({ [name]: "198.51.100.1" });
    expect(unknown.toServer).not.toHaveProperty(name.toLowerCase());
  });

  test.each([
    ["Forwarded", "for=198.51.100.1;host=evil.test;proto=https"],
    ["X-Forwarded", "for=198.51.100.1"],
    ["X-Forwarded-Port", "444"],
    ["X-Forwarded-Scheme", "https"],
    ["X-Forwarded-Protocol", "https"],
    ["X-Forwarded-Ssl", "on"],
    ["X-Forwarded-Server", "evil.test"],
    ["X-Url-Scheme", "https"],
    ["Front-End-Https", "on"],
    ["X-Original-Host", "evil.test"],
    ["X-Host", "evil.test"],
  ])("%s is left out", async (name, value) => {
    expect((await exchange({ ...forged, [name]: value })).toServer).not.toHaveProperty(name.toLowerCase());
  });
});

test("X-Forwarded-Host of OPTIONS * is the host alone", async () => {
  const headers = { Host: "app.example.com:8443" };
  const answer = send(stage.sluice.url, { method: "OPTIONS", path: "*", headers });
  const { request, response } = await stage.origin.arrival();
  response.end();
  await answer;
  expect(request.headers["x-forwarded-host"]).toBe("app.example.com:8443");
});

describe("X-Request-Id", () => {
  test("is kept, and told to the client and in the log", async () => {
    const { toServer, toClient } = await exchange({ "X-Request-Id": "abc-123/~!" });
    expect(toServer["x-request-id"]).toBe("abc-123/~!");
    expect(toClient["x-request-id"]).toBe("abc-123/~!");
    await stage.sluice.logged((line) => line.requestId === "abc-123/~!");
  });

  test("is made where there is none, another one for each request", async () => {
    const [one, two] = [await exchange(), await exchange()];
    expect(one.toServer["x-request-id"]).toMatch(/^[\da-f-]{36}$/);
    expect(one.toClient["x-request-id"]).toBe(one.toServer["x-request-id"]);
    expect(two.toServer["x-request-id"]).not.toBe(one.toServer["x-request-id"]);
  });

  test.each([
    ["of 16 KB", "x".repeat(16 * 1024)],
    ["of 129 characters", "x".repeat(129)],
    ["that is empty", ""],
    ["with a space", 'a {"requestId":"forged"}'],
    ["with a tab", "a\tb"],
    ["beyond ASCII", "h\u00e9"],
    ["given twice", ["a", "b"]],
  ])("%s is replaced", async (_what, given) => {
    const { toServer, toClient } = await exchange({ "X-Request-Id": given });
    expect(toServer["x-request-id"]).toMatch(/^[\da-f-]{36}$/);
    expect(toClient["x-request-id"]).toBe(toServer["x-request-id"]);
  });

  test("of the server does not replace the request's", async () => {
    const { toClient } = await exchange({ "X-Request-Id": "mine" }, [["X-Request-Id", "theirs"]]);
    expect(toClient["x-request-id"]).toBe("mine");
  });
});

describe("Server-Timing", () => {
  test("tells the time in the queue and at the origin", async () => {
    expect((await exchange()).toClient["server-timing"]).toMatch(/^queue;dur=\d+, origin;dur=\d+$/);
  });

  test("comes in addition to the server's own", async () => {
    const { toClient } = await exchange({}, [["Server-Timing", 'db;dur=53.2, app;desc="x"']]);
    expect(toClient["server-timing"]).toMatch(/^db;dur=53.2, app;desc="x", queue;dur=\d+, origin;dur=\d+$/);
  });
});

describe("every other header", () => {
  test("passes as it came, and none is added but a trace", async () => {
    const sent = { "x-mixed": "a, b", cookie: "a=b; c=d", "accept-encoding": "br", accept: "*/*" };
    const { toServer } = await exchange(sent);
    expect(toServer).toMatchObject(sent);
    const added = Object.keys(toServer).filter((name) => !(name in sent));
    expect(added.sort()).toEqual([
      "host",
      "traceparent",
      "x-forwarded-host",
      "x-forwarded-proto",
      "x-request-id",
    ]);
  });

  test("of 16 KB, and 50 of them, pass both ways", async () => {
    const long = "x".repeat(16 * 1024);
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`x-many-${i}`, `value ${i}`]));
    const { toServer, toClient } = await exchange({ "x-long": long, ...many }, [
      ["x-long", long],
      ...Object.entries(many),
    ]);
    expect(toServer).toMatchObject({ "x-long": long, ...many });
    expect(toClient).toMatchObject({ "x-long": long, ...many });
  });

  test("beyond ASCII passes both ways, byte for byte", async () => {
    const latin1 = Buffer.from("Grüße", "utf8").toString("latin1");
    const { toServer, toClient } = await exchange({ "x-greeting": latin1 }, [["x-greeting", latin1]]);
    expect(toServer["x-greeting"]).toBe(latin1);
    expect(toClient["x-greeting"]).toBe(latin1);
  });
});
