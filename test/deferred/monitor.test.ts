import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { open, send } from "../support/client.ts";
import { type Arrival, bodyOf, Origin } from "../support/origin.ts";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { Watcher } from "../support/watcher.ts";
import { Deferrer } from "./support.ts";

let origin: Origin;
let sluice: Sluice;
let client: Deferrer;
beforeAll(async () => {
  origin = await Origin.start();
  const servers = [{ name: "web-1", url: origin.url }];
  sluice = await Sluice.start({
    pools: {
      web: { servers, deferred: { max: 60 } },
      cancel: { hosts: ["cancel.test"], servers, on_client_abort: "cancel", deferred: {} },
      always: { hosts: ["always.test"], servers, deferred: { when: "always" } },
      drained: { hosts: ["drained.test"], servers, deferred: { when: "drained" } },
      plain: { hosts: ["plain.test"], servers },
    },
    adminHost: "admin.test",
  });
  client = new Deferrer(() => sluice);
});
beforeEach(() => origin.reset());
afterAll(async () => {
  await sluice.stop();
  await origin.stop();
});

const admin = (method: string, path: string, body: unknown = {}) =>
  send(sluice.url, {
    method,
    path: `/_sluice/api/pools/${path}`,
    headers: { Host: "admin.test", Authorization: `Bearer ${TOKEN}` },
    ...(method === "GET" ? {} : { body: JSON.stringify(body) }),
  });
const snapshot = async (pool = "web") => JSON.parse(String((await admin("GET", pool)).body));
const resume = (pool = "web") => admin("POST", `${pool}/resume`);
/** Until the test ends, if not before. */
function drain(pool = "web") {
  onTestFinished(async () => void (await resume(pool)));
  return admin("POST", `${pool}/drain`);
}
const to = (host: string, headers: Record<string, string> = {}) => ({ headers: { Host: host, ...headers } });

/** Begins to work on a deferred request, whose answer is for the test to give. */
async function running(
  call: Parameters<Deferrer["defer"]>[1] = {},
): Promise<{ id: string; arrival: Arrival }> {
  const id = await client.defer("/", call);
  return { id, arrival: await origin.arrival() };
}

const codeOf = ({ body }: { body: Buffer }) => JSON.parse(String(body)).code;

describe("a request that asks to be stored", () => {
  test("gets 202, where to look, and its place", async () => {
    await drain();
    const first = await client.send("/first");
    const second = await client.send("/second");
    const { id, ...rest } = JSON.parse(String(second.body));
    expect(second.status).toBe(202);
    expect(second.headers).toMatchObject({
      location: `${sluice.url}/_sluice/requests/${id}`,
      "preference-applied": "respond-async",
      "retry-after": expect.stringMatching(/^\d+$/),
    });
    expect(rest).toEqual({
      state: "queued",
      place: 2,
      estimatedStartAt: null,
      expiresAt: expect.any(String),
    });
    expect(await client.status(id)).toMatchObject({
      id,
      place: 2,
      attempts: 0,
      response: null,
      problem: null,
    });
    expect((await client.response(id)).status).toBe(202);
    await client.cancel(JSON.parse(String(first.body)).id);
    expect(await client.status(id)).toMatchObject({ place: 1 });
    await client.cancel(id);
  });

  test("that gets a slot at once is told to look at once", async () => {
    origin.answer = (_request, response) => response.end();
    const { headers, body } = await client.send("/");
    expect(headers["retry-after"]).toBe("1");
    await client.ended(JSON.parse(String(body)).id);
  });

  test("comes to the server as it was, without what was meant for Sluice", async () => {
    const prefer = 'respond-async, return=minimal, wait=0, foo="a, b"; c="d;e"';
    const { id, arrival } = await running({
      headers: { Prefer: prefer, "X-Request-Id": "mine", "X-A": "b" },
    });
    const { headers, method } = arrival.request;
    expect([method, headers["x-a"], headers["x-request-id"]]).toEqual(["POST", "b", "mine"]);
    expect(headers.prefer).toBe('return=minimal, foo="a, b"; c="d;e"');
    arrival.response.end();
    await client.ended(id);
    await sluice.logged(({ requestId, outcome }) => requestId === "mine" && outcome === "ok");
    const lines = sluice.log.filter(({ requestId }) => requestId === "mine");
    expect(lines).toMatchObject([
      { outcome: "deferred", status: 202, deferred: true },
      { outcome: "ok", status: 200, deferred: true, attempts: 1 },
    ]);
  });

  test("is carried as any other where the pool stores none, or its body belongs to a GET", async () => {
    origin.answer = (request, response) => response.end(request.headers.prefer);
    const plain = await client.send("/", to("plain.test"));
    expect([plain.status, String(plain.body)]).toEqual([200, "respond-async"]);
    const get = await client.send("/", { method: "GET", body: "x", headers: { "Content-Length": "1" } });
    expect(get.status).toBe(200);
    await client.ended(await client.defer("/", { method: "GET" }));
  });

  test("is refused once as many as allowed wait, and what had been stored is gone", async () => {
    await drain();
    const ids = await Promise.all(Array.from({ length: 60 }, () => client.defer("/")));
    const refused = await client.send("/");
    expect([refused.status, codeOf(refused)]).toEqual([503, "deferred-full"]);
    expect((await snapshot()).deferred.queued).toBe(60);
    await Promise.all(ids.map((id) => client.cancel(id)));
  });
});

describe("where the operator decides", () => {
  test("always: a request of its methods is stored, whatever its sender knows", async () => {
    origin.answer = (_request, response) => response.end("worked");
    const post = await send(sluice.url, { method: "POST", ...to("always.test") });
    const id = client.accepted(post);
    await client.ended(id);
    expect(String((await client.response(id)).body)).toBe("worked");
    expect((await send(sluice.url, to("always.test"))).status).toBe(200);
  });

  test("drained: a request of its methods is stored in a drain, and carried directly otherwise", async () => {
    origin.answer = async (request, response) => response.end(`got ${await bodyOf(request)}`);
    const post = () =>
      send(sluice.url, { method: "POST", body: "x".repeat(2_000_000), ...to("drained.test") });
    expect((await post()).status).toBe(200);
    await drain("drained");
    const stored = await post();
    expect(stored.status).toBe(202);
    const waiting = send(sluice.url, { ...to("drained.test"), path: "/get" });
    await expect.poll(async () => (await snapshot("drained")).queued).toBe(2);
    await resume("drained");
    expect((await waiting).status).toBe(200);
    const id = client.accepted(stored);
    await client.ended(id);
    expect(String((await client.response(id)).body)).toBe(`got ${"x".repeat(2_000_000)}`);
  });

  test("drained: while no server is up, too", async () => {
    origin.answer = (_request, response) => response.end();
    const set = (state: string) => admin("PATCH", "drained/servers/web-1", { state });
    onTestFinished(async () => void (await set("ready")));
    await set("maint");
    const stored = await send(sluice.url, { method: "POST", ...to("drained.test") });
    const id = client.accepted(stored);
    await set("ready");
    expect(await client.ended(id)).toMatchObject({ state: "answered" });
  });
});

describe("the status", () => {
  test("is told as soon as it changes, to those who would wait", async () => {
    await drain();
    const id = await client.defer("/");
    const started = client.status(id, { Prefer: "wait=30" });
    await resume();
    const arrival = await origin.arrival();
    expect(await started).toMatchObject({ state: "running", attempts: 1, startedAt: expect.any(String) });
    const ended = client.status(id, { Prefer: "wait=30" });
    arrival.response.end("done");
    expect(await ended).toMatchObject({
      state: "answered",
      endedAt: expect.any(String),
      response: { status: 200, url: `${sluice.url}/_sluice/requests/${id}/response` },
    });
  });

  test("comes as events, one for each change of state or place, and then no more", async () => {
    await drain();
    const [before, id] = [await client.defer("/"), await client.defer("/")];
    const stream = await open(sluice.url, {
      path: `/_sluice/requests/${id}`,
      headers: { Accept: "text/event-stream" },
    });
    const events: { state: string; place: number | null }[] = [];
    let text = "";
    for await (const chunk of stream) {
      text += chunk;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const data = /^data: (.+)$/m.exec(text.slice(0, end))?.[1];
        text = text.slice(end + 2);
        if (!data) continue;
        const { state, place } = JSON.parse(data);
        events.push({ state, place });
        if (events.length === 1) await client.cancel(before);
        if (events.length === 2) await resume();
        if (state === "running") (await origin.arrival()).response.end();
      }
    }
    expect(events).toEqual([
      { state: "queued", place: 2 },
      { state: "queued", place: 1 },
      { state: "running", place: null },
      { state: "answered", place: null },
    ]);
    const again = await client.get(id, "", { Accept: "text/event-stream", "Last-Event-ID": "answered" });
    expect(again.status).toBe(204);
  });

  test("is a page for those who prefer one, which leads to the answer", async () => {
    await drain();
    const html = { Accept: "text/html" };
    const accepted = await client.send("/", { headers: { Prefer: "respond-async", ...html } });
    const location = accepted.headers.location as string;
    expect(accepted.headers.refresh).toBe(`1; url=${location}`);
    const id = location.slice(location.lastIndexOf("/") + 1);
    const page = await client.get(id, "", html);
    expect(String(page.body)).toContain("Place in line: <strong>1</strong>");
    expect(page.headers).toMatchObject({ refresh: "2", "referrer-policy": "no-referrer" });
    await resume();
    (await origin.arrival()).response.end();
    await client.ended(id);
    const last = await client.get(id, "", html);
    expect(String(last.body)).toContain(`<a href="${location}/response">Open the answer</a>`);
    expect(last.headers.refresh).toBeUndefined();
  });

  test("of an answer says until when it is kept", async () => {
    const { id, arrival } = await running();
    arrival.response.end("x");
    const { endedAt, expiresAt } = await client.ended(id);
    expect(Date.parse(expiresAt) - Date.parse(endedAt as string)).toBe(86_400_000);
    expect((await client.response(id)).headers.expires).toBe(new Date(expiresAt).toUTCString());
  });

  test.each([
    ["no-referrer", {}],
    ["origin", { "Referrer-Policy": "origin" }],
  ])(
    "is at an address of which the answer's page tells nobody, unless its server says so: %s",
    async (policy, headers) => {
      const { id, arrival } = await running();
      arrival.response.writeHead(200, headers).end("<img src=/logo.png>");
      await client.ended(id);
      expect((await client.response(id)).headers["referrer-policy"]).toBe(policy);
    },
  );
});

describe("a request is canceled", () => {
  test("while it waits: no server ever gets it", async () => {
    await drain();
    const before = origin.count;
    const id = await client.defer("/");
    expect((await client.cancel(id)).status).toBe(204);
    expect(await client.status(id)).toMatchObject({ state: "canceled" });
    expect(await snapshot()).toMatchObject({ queued: 0, deferred: { queued: 0, running: 0 } });
    await resume();
    const gone = await client.response(id);
    expect([gone.status, codeOf(gone)]).toEqual([410, "canceled"]);
    expect(origin.count).toBe(before);
  });

  test("while it runs, and its server finishes it: its answer is thrown away", async () => {
    const { id, arrival } = await running();
    expect((await client.cancel(id)).status).toBe(202);
    expect(await client.status(id)).toMatchObject({ state: "running" });
    expect((await snapshot()).inFlight).toBe(1);
    arrival.response.end("in vain");
    expect(await client.ended(id)).toMatchObject({ state: "canceled", response: null });
    await expect.poll(async () => (await snapshot()).inFlight).toBe(0);
  });

  test.each([
    ["before the headers", 0],
    ["in the middle", 1],
  ])("while its server streams an answer, %s: that is read to its end all the same", async (_, pieces) => {
    const { id, arrival } = await running();
    if (pieces > 0) arrival.response.write("begun");
    expect((await client.cancel(id)).status).toBe(202);
    arrival.response.write("more");
    arrival.response.end("in vain");
    expect(await client.ended(id)).toMatchObject({ state: "canceled", response: null });
    await expect.poll(async () => (await snapshot()).inFlight).toBe(0);
  });

  test("while it runs, and its server is cut off, where on_client_abort says so", async () => {
    const { id, arrival } = await running(to("cancel.test"));
    const closed = new Promise((resolve) => arrival.request.socket.once("close", resolve));
    expect((await client.cancel(id)).status).toBe(202);
    await closed;
    expect(await client.ended(id)).toMatchObject({ state: "canceled" });
  });

  test("after its end: it is forgotten", async () => {
    const { id, arrival } = await running();
    arrival.response.end();
    await client.ended(id);
    // The pool learns of the end a moment after the client.
    await expect.poll(async () => (await snapshot()).deferred.running).toBe(0);
    const { answered } = (await snapshot()).deferred;
    expect((await client.cancel(id)).status).toBe(204);
    for (const view of ["", "/response"]) {
      const gone = await client.get(id, view);
      expect([gone.status, codeOf(gone)]).toEqual([404, "unknown-request"]);
    }
    expect((await client.cancel(id)).status).toBe(404);
    expect((await snapshot()).deferred.answered).toBe(answered - 1);
  });
});

describe("an Idempotency-Key", () => {
  const key = (value: string) => ({ "Idempotency-Key": value });

  test("gives one request and one Location to 50 who come with it at the same time", async () => {
    const before = origin.count;
    origin.answer = (_request, response) => response.end();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => client.send("/order", { body: "one", headers: key("fifty") })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(202));
    const [first, ...others] = new Set(answers.map(({ headers }) => headers.location));
    expect(others).toEqual([]);
    await client.ended(String(first).slice(String(first).lastIndexOf("/") + 1));
    expect(origin.count).toBe(before + 1);
    const later = await client.send("/order", { body: "one", headers: key("fifty") });
    expect([later.status, later.headers.location]).toEqual([202, first]);
    expect(origin.count).toBe(before + 1);
  });

  test("belongs to method, path and body", async () => {
    origin.answer = (_request, response) => response.end();
    const id = await client.defer("/order?a", { body: "one", headers: key("k") });
    const other = await client.send("/order?a", { body: "two", headers: key("k") });
    expect([other.status, codeOf(other)]).toEqual([422, "idempotency-mismatch"]);
    expect(await client.defer("/order?b", { body: "one", headers: key("k") })).not.toBe(id);
    expect(await client.defer("/order?a", { method: "PUT", body: "one", headers: key("k") })).not.toBe(id);
    await client.ended(id);
    await client.cancel(id);
    const last = await client.defer("/order?a", { body: "two", headers: key("k") });
    expect(last).not.toBe(id);
    await client.ended(last);
  });
});

describe("without the id", () => {
  test("nobody finds, reads or cancels a request", async () => {
    const { id, arrival } = await running();
    arrival.response.end("mine");
    await client.ended(id);
    const wrong = (at: number) => id.slice(0, at) + (id[at] === "0" ? "1" : "0") + id.slice(at + 1);
    const guesses = [
      wrong(0),
      wrong(63),
      wrong(64),
      wrong(95),
      id.slice(0, 64),
      `${id}0`,
      id.toUpperCase(),
      "",
    ];
    for (const guess of guesses) {
      for (const view of ["", "/response"]) {
        const found = await client.get(guess, view);
        expect([guess, found.status, codeOf(found)]).toEqual([guess, 404, "unknown-request"]);
      }
      expect((await client.cancel(guess)).status).toBe(404);
    }
    expect(String((await client.response(id)).body)).toBe("mine");
  });

  test("it is in no log line, metric or event", async () => {
    await drain();
    const id = await client.defer("/");
    await client.cancel(id);
    await resume();
    const { id: other, arrival } = await running();
    arrival.request.socket.destroy();
    await client.ended(other);
    const watcher = await Watcher.start(sluice.url, "web", { Host: "admin.test" });
    onTestFinished(() => watcher.leave());
    await watcher.event("deferred-failed");
    await watcher.snapshot();
    const headers = { Host: "admin.test", Authorization: `Bearer ${TOKEN}` };
    const metrics = await send(sluice.url, { path: "/_sluice/metrics", headers });
    const texts = [
      sluice.output.join("\n"),
      JSON.stringify(await snapshot()),
      String(metrics.body),
      JSON.stringify(watcher.messages),
    ];
    for (const text of texts) {
      for (const secret of [id, other]) {
        expect(text).not.toContain(secret.slice(0, 64));
        expect(text).not.toContain(secret.slice(64));
      }
    }
  });

  test("is served on the pool's hosts with ADMIN_HOST set, and other methods are not", async () => {
    const { id, arrival } = await running();
    arrival.response.end();
    await client.ended(id);
    const put = await send(sluice.url, { method: "PUT", path: `/_sluice/requests/${id}` });
    expect([put.status, put.headers.allow]).toEqual([405, "GET, DELETE"]);
  });
});
