import { beforeEach, describe, expect, test } from "vitest";
import { useStage } from "../support/stage.ts";
import { BEARER, get, problemOf } from "./support.ts";

const stage = useStage({ web: {} }, {});
beforeEach(() => {
  stage.origin.answer = (_, response) => response.end("served");
});

const DRAIN = "wait, expires, owner, reason";
const DURATION = '"250ms", "2s", "10m", "1h", at most "24h"';

/** Route, body (a string is sent as it is), and parts of the answer's detail. */
type Case = [route: "drain" | "stop" | "resume" | "server", sent: unknown, ...says: string[]];

const ROUTES = {
  drain: ["POST", "/api/pools/web/drain"],
  stop: ["POST", "/api/pools/web/stop"],
  resume: ["POST", "/api/pools/web/resume"],
  server: ["PATCH", "/api/pools/web/servers/web-1"],
} as const;

async function expectRefused([route, sent, ...says]: Case): Promise<void> {
  const [method, path] = ROUTES[route];
  const { detail } = await problemOf(await stage.sluice.admin(method, path, sent), 400, "invalid-request");
  for (const part of says) expect(detail).toContain(part);
  const servers = [{ state: "ready", slots: 1, weight: 1 }];
  expect(await stage.sluice.snapshot("web")).toMatchObject({ state: "running", drain: null, servers });
  expect(await get(stage.sluice, "/")).toBe("200 served");
}

const named = (cases: Case[]) => cases.map((one) => [`${one[0]} ${show(one[1])}`, one] as const);
const show = (sent: unknown) => JSON.stringify(sent).slice(0, 60);

describe("a body that is not a table", () => {
  test.each(
    named([
      ["drain", "not json", 'body: "not json" is not JSON'],
      ["drain", "owner=deploy-42&wait=30s", "body: ", "is not JSON"],
      ["drain", '{"wait": "30s"', "body: ", "is not JSON"],
      ["drain", '{"wait": "30s"} x', "body: ", "is not JSON"],
      ["drain", "\u0000", "body: ", "is not JSON"],
      ["drain", "[".repeat(60_000), "body: ", "is not JSON"],
      ["drain", "[]", "body: [] is not a table; allowed: a table of", DRAIN],
      ["resume", [{ owner: "x" }], 'body: [{"owner":"x"}] is not a table', "owner, force"],
      ["server", 42, "body: 42 is not a table", "state, slots, weight"],
      ["drain", '"30s"', 'body: "30s" is not a table'],
      ["drain", "true", "body: true is not a table"],
      ["drain", "null", "body: null is not a table"],
      ["drain", `{"reason": "${"x".repeat(1_048_576)}"}`, "body: longer than 65536 characters"],
      ["drain", `${" ".repeat(1_048_576)}{}`, "body: longer than 65536 characters"],
      ["drain", `${"[".repeat(30_000)}${"]".repeat(30_000)}`, "body: ", "is not a table"],
    ]),
  )("is refused: %s", (_, one) => expectRefused(one));
});

describe("an unknown key", () => {
  test.each(
    named([
      ["drain", { expire: "15m" }, 'body.expire: unknown key, given "15m"; did you mean "expires"?', DRAIN],
      ["stop", { mesage: "x" }, 'body.mesage: unknown key, given "x"; did you mean "message"?'],
      ["stop", { reason: "x" }, "body.reason: unknown key", "wait, expires, owner, message, cut"],
      ["drain", { WAIT: "1s" }, 'body.WAIT: unknown key, given "1s"; did you mean "wait"?'],
      ["resume", { forced: true }, 'body.forced: unknown key, given true; did you mean "force"?'],
      ["server", { wieght: 2 }, 'body.wieght: unknown key, given 2; did you mean "weight"?'],
      ["server", { url: "http://evil" }, 'body.url: unknown key, given "http://evil"; allowed: state, slots'],
      ["drain", '{"__proto__": {"wait": "1s"}}', "body.__proto__: unknown key"],
      ["drain", '{"constructor": {"prototype": 1}}', "body.constructor: unknown key"],
      ["server", '{"toString": "ready"}', "body.toString: unknown key"],
      ["drain", { "": 1 }, 'body."": unknown key'],
      ["drain", { ["k".repeat(10_240)]: 1 }, 'body."kkk', "…: unknown key, given 1; allowed: wait"],
      ["drain", { a: 1, owner: "", b: 2 }, "body.a: unknown key", "body.b: unknown key", "body.owner: "],
    ]),
  )("is refused, with what was probably meant: %s", (_, one) => expectRefused(one));
});

describe("a value that is not allowed", () => {
  test.each(
    named([
      ["drain", { wait: "1 fortnight" }, 'body.wait: "1 fortnight" is not a duration; allowed:', DURATION],
      ["drain", { wait: "-1s" }, 'body.wait: "-1s" is not a duration'],
      ["drain", { wait: "25h" }, 'body.wait: "25h" is not a duration', 'at most "24h"'],
      ["drain", { wait: "" }, 'body.wait: "" is not a duration'],
      ["drain", { wait: 30 }, "body.wait: 30 is not a duration", DURATION],
      ["drain", { wait: null }, "body.wait: null is not a duration"],
      ["drain", { wait: ["30s"] }, 'body.wait: ["30s"] is not a duration'],
      ["drain", { expires: "0s" }, 'body.expires: "0s" is too short', 'at least "1ms"'],
      ["drain", { owner: "o".repeat(10_240) }, 'body.owner: "ooo', "is not a text", "1 to 200 characters"],
      ["drain", { owner: "" }, 'body.owner: "" is not a text; allowed: a text of 1 to 200 characters'],
      ["drain", { owner: 42 }, "body.owner: 42 is not a text"],
      ["drain", { owner: { name: "x" } }, 'body.owner: {"name":"x"} is not a text'],
      ["drain", { reason: "" }, 'body.reason: "" is not a text'],
      ["drain", { reason: false }, "body.reason: false is not a text"],
      ["drain", { cut: "soon" }, 'body.cut: "soon" is not a duration', DURATION],
      ["stop", { message: "" }, 'body.message: "" is not a text; allowed: a text of 1 to 500 characters'],
      ["stop", { message: "m".repeat(501) }, "body.message: ", "is not a text"],
      ["stop", { cut: 2 }, "body.cut: 2 is not a duration"],
      ["server", { state: "maint", cut: "-1s" }, 'body.cut: "-1s" is not a duration'],
      ["server", { cut: "1s" }, 'body.cut: has no effect without the state "drain" or "maint"'],
      ["server", { state: "ready", cut: "1s" }, "body.cut: has no effect"],
      ["resume", { force: "true" }, 'body.force: "true" is neither true nor false'],
      ["resume", { force: 1 }, "body.force: 1 is neither true nor false; allowed: true, false"],
      ["resume", { owner: [] }, "body.owner: [] is not a text"],
      ["server", { state: "off" }, 'body.state: "off" is unknown; allowed: "ready", "drain", "maint"'],
      ["server", { state: "READY" }, 'body.state: "READY" is unknown'],
      ["server", { state: true }, "body.state: true is unknown"],
      ["server", { slots: -1 }, "body.slots: -1 is out of range; allowed: 1 to 1000"],
      ["server", { slots: 0 }, "body.slots: 0 is out of range"],
      ["server", { slots: 1.5 }, "body.slots: 1.5 is not a whole number; allowed: 1 to 1000"],
      ["server", { slots: 1e9 }, "body.slots: 1000000000 is out of range"],
      ["server", '{"slots": 1e999}', "body.slots: Infinity is not a whole number"],
      ["server", { slots: "2" }, 'body.slots: "2" is not a whole number'],
      ["server", { weight: -1 }, "body.weight: -1 is out of range; allowed: 0 to 256"],
      ["server", { weight: 257 }, "body.weight: 257 is out of range"],
      ["server", { state: "maint", slots: 0, weight: -1 }, "body.slots: 0", "body.weight: -1"],
    ]),
  )("is named, with the key and what is allowed, and nothing is changed: %s", (_, one) => expectRefused(one));
});

test("a value of 10 KB is not repeated in full", async () => {
  const { detail } = await problemOf(
    await stage.sluice.drain("web", { owner: "o".repeat(10_240) }),
    400,
    "invalid-request",
  );
  expect(detail.length).toBeLessThan(200);
});

test.each([undefined, "", " \n", "{}", "\ufeff{}"])("no wish at all is fine: %j", async (body) => {
  expect((await stage.sluice.admin("POST", "/api/pools/web/drain", body)).status).toBe(200);
  expect((await stage.sluice.admin("POST", "/api/pools/web/resume", body)).status).toBe(200);
  expect((await stage.sluice.admin("PATCH", "/api/pools/web/servers/web-1", body)).status).toBe(200);
});

test("what the body calls itself does not matter: curl's -d says that it is a form", async () => {
  for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=x"]) {
    const response = await fetch(`${stage.sluice.url}/_sluice/api/pools/web/resume`, {
      method: "POST",
      headers: { ...BEARER, "Content-Type": type },
      body: '{"force": true}',
    });
    expect(response.status).toBe(200);
  }
});
