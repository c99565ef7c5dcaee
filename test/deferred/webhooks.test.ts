import { randomBytes } from "node:crypto";
import type http from "node:http";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bodyOf, Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { Deferrer } from "./support.ts";

const SECRET = `whsec_${randomBytes(32).toString("base64")}`;

interface Notice {
  headers: Record<string, string>;
  payload: { type: string; timestamp: string; data: { id: string; status: number; url: string } };
}

let origin: Origin;
let receiver: Origin;
let sluice: Sluice;
let client: Deferrer;
/** What the receiver has accepted, each with a signature that another implementation has verified. */
let notices: Notice[];
let tries: { path: string; id: string; status: number }[];

beforeAll(async () => {
  [origin, receiver] = await Promise.all([Origin.start(), Origin.start()]);
  const servers = [{ name: "web-1", url: origin.url }];
  sluice = await Sluice.start({
    pools: {
      web: { servers, deferred: { webhooks: [receiver.url] }, retries: 0 },
      short: { hosts: ["short.test"], servers, deferred: { webhooks: [receiver.url], keep: "1s" } },
    },
    webhookSecret: SECRET,
  });
  client = new Deferrer(() => sluice);
});
beforeEach(() => {
  origin.reset();
  [notices, tries] = [[], []];
  origin.answer = (_request, response) => response.writeHead(201).end("made");
  receive(() => 204);
});
afterAll(async () => {
  await sluice.stop();
  await Promise.all([origin.stop(), receiver.stop()]);
});

/** `statusOf`: what the receiver answers to its `n`th call, from 0. */
function receive(statusOf: (n: number) => number): void {
  receiver.answer = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const body = String(await bodyOf(request));
    const headers = request.headers as Record<string, string>;
    const status = statusOf(tries.length);
    tries.push({ path: request.url ?? "", id: headers["webhook-id"] ?? "", status });
    const payload = new Webhook(SECRET).verify(body, headers) as Notice["payload"];
    if (status < 300) notices.push({ headers, payload });
    response.writeHead(status, status === 307 ? { Location: `${receiver.url}/elsewhere` } : {}).end();
  };
}

const told = (path = "/hook", headers: Record<string, string> = {}) =>
  client.defer("/", { headers: { "Sluice-Webhook": receiver.url + path, ...headers } });

describe("a webhook", () => {
  test("tells of the answer, signed, and the server never hears of it", async () => {
    let forwarded: http.IncomingHttpHeaders = {};
    origin.answer = (request, response) => {
      forwarded = request.headers;
      response.writeHead(201).end("made");
    };
    const id = await told();
    await expect.poll(() => notices.length).toBe(1);
    const [{ payload, headers }] = notices as [Notice];
    const { endedAt } = await client.ended(id);
    expect(payload).toEqual({
      type: "request.answered",
      timestamp: endedAt,
      data: { id, status: 201, url: `${sluice.url}/_sluice/requests/${id}/response` },
    });
    expect(headers["content-type"]).toBe("application/json");
    expect(headers["webhook-id"]).not.toContain(id);
    expect(forwarded["sluice-webhook"]).toBeUndefined();
  });

  test("tells of a failure", async () => {
    origin.answer = (request) => request.socket.destroy();
    const id = await told();
    await expect.poll(() => notices.length).toBe(1);
    expect(notices[0]?.payload).toMatchObject({ type: "request.failed", data: { id, status: 502 } });
  });

  test("whose receiver fails comes again, under the same id, and no more once it is accepted", async () => {
    receive((n) => (n === 0 ? 500 : 204));
    const id = await told();
    await expect.poll(() => notices.length, { timeout: 20_000 }).toBe(1);
    expect(tries.map(({ status }) => status)).toEqual([500, 204]);
    expect(new Set(tries.map((one) => one.id)).size).toBe(1);
    expect(notices[0]?.payload.data.id).toBe(id);
    expect((await client.response(id)).status).toBe(201);
  });

  test("is not led elsewhere, but comes again where it was to go, and the result is there meanwhile", async () => {
    receive((n) => (n === 0 ? 307 : 204));
    const id = await told();
    await expect.poll(() => tries.length).toBe(1);
    expect(String((await client.response(id)).body)).toBe("made");
    await expect.poll(() => notices.length, { timeout: 20_000 }).toBe(1);
    expect(tries.map(({ path, status }) => `${path} ${status}`)).toEqual(["/hook 307", "/hook 204"]);
  });

  test.each([
    ["of another origin", "https://other.example/hook"],
    ["of another scheme", "ftp://127.0.0.1/hook"],
    ["with a user", "http://user@127.0.0.1/hook"],
    ["that is none", "hook"],
  ])("%s is refused, and nothing is stored", async (_, url) => {
    const before = origin.count;
    const refused = await client.send("/", { headers: { "Sluice-Webhook": url } });
    expect([refused.status, JSON.parse(String(refused.body)).code]).toEqual([400, "webhook-refused"]);
    expect(origin.count).toBe(before);
  });

  test("is refused where the operator has set no key", async () => {
    const keyless = await Sluice.start({
      pools: { web: { servers: [{ name: "a", url: origin.url }], deferred: { webhooks: [receiver.url] } } },
    });
    const other = new Deferrer(() => keyless);
    const refused = await other.send("/", { headers: { "Sluice-Webhook": `${receiver.url}/hook` } });
    expect([refused.status, JSON.parse(String(refused.body)).code]).toEqual([400, "webhook-refused"]);
    await keyless.stop();
  });
});
