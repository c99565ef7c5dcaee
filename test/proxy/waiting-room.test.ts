import { createHash } from "node:crypto";
import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DeferredList } from "../../src/admin/deferred.ts";
import { begin, open, send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";
import { NAVIGATION, occupy, Visitor } from "../support/visitor.ts";

const WAITS = { waiting_page: "1s", deferred: {} };
const stage = useStage(
  {
    web: WAITS,
    full: { ...WAITS, deferred: { max: 1 } },
    free: { ...WAITS, free_paths: ["/free"] },
    drained: { waiting_page: "1h", deferred: { when: "drained", methods: ["GET"] } },
    cancel: { ...WAITS, on_client_abort: "cancel" },
    refusing: { ...WAITS, when_down: "refuse", retries: 0 },
    plain: { deferred: {} },
    short: { ...WAITS, deferred: { expires: "1s" } },
    small: { ...WAITS, deferred: { max_response: "1KiB" } },
  },
  { bundle: "test" },
);

const visitor = () => new Visitor(stage.sluice.url);
const to = (pool: string) => ({ Host: `${pool}.test` });
const textOf = ({ body }: { body: Buffer }) => String(body);
const placeOf = (answer: { body: Buffer }) => />(\d+)<\/strong>/.exec(textOf(answer))?.[1];
const status = async (id: string | undefined, headers = {}) => {
  const { body } = await send(stage.sluice.url, { path: `/_sluice/requests/${id}`, headers });
  return JSON.parse(String(body));
};

async function abandoned(pool: string): Promise<number> {
  const text = await (await stage.sluice.admin("GET", "/metrics")).text();
  return Number(new RegExp(`^sluice_abandoned_total\\{pool="${pool}"\\} (\\d+)$`, "m").exec(text)?.[1]);
}

describe("a visit that gets no slot", () => {
  test("gets a page with its place, and at the same address the answer as it came", async () => {
    const free = await occupy(stage);
    const one = visitor();
    const page = await one.visit("/report?of=may", { "X-Request-Id": "visit-1", "If-None-Match": '"old"' });
    expect([page.status, placeOf(page)]).toEqual([202, "1"]);
    expect(page.headers["set-cookie"]).toEqual([
      expect.stringMatching(
        /^sluice-wait-[\da-f]{16}=[\da-f]{96}; Max-Age=\d+; Path=\/report; HttpOnly; SameSite=Lax$/,
      ),
    ]);
    free();
    const { request, response } = await stage.origin.arrival();
    expect(request.url).toBe("/report?of=may");
    expect(request.headers).toMatchObject({ "x-request-id": "visit-1", "sec-fetch-mode": "navigate" });
    expect(request.headers["if-none-match"]).toBeUndefined();
    expect(request.headers.cookie).toBeUndefined();
    const reload = one.visit("/report?of=may");
    response.writeHead(201, { "Set-Cookie": "a=b", "X-Own": "yes", "Content-Type": "text/plain" }).end("May");
    const answer = await reload;
    expect([answer.status, textOf(answer)]).toEqual([201, "May"]);
    expect(answer.headers).toMatchObject({ "x-own": "yes", "content-type": "text/plain" });
    expect(answer.headers["set-cookie"]).toEqual([
      "a=b",
      expect.stringMatching(/^sluice-wait-\w+=; Max-Age=0; /),
    ]);
    expect([...one.cookies]).toEqual([["a", "b"]]);
    await stage.sluice.logged(({ requestId, attempts }) => requestId === "visit-1" && attempts === 1);
    expect(stage.sluice.log.filter(({ requestId }) => requestId === "visit-1")).toMatchObject([
      { outcome: "deferred", status: 202, deferred: true, attempts: 0 },
      { outcome: "ok", status: 201, deferred: true, attempts: 1 },
    ]);
  });

  test("keeps its place among those that came later, and is forgotten with its answer", async () => {
    const free = await occupy(stage);
    const one = visitor();
    const first = one.visit("/first");
    await stage.sluice.until("web", ({ queued }) => queued === 1);
    const later = send(stage.sluice.url, { path: "/later" });
    await stage.sluice.until("web", ({ queued }) => queued === 2);
    await first;
    expect(await stage.sluice.snapshot("web")).toMatchObject({ queued: 2, deferred: { queued: 1 } });
    const two = visitor();
    expect(placeOf(await two.visit("/second"))).toBe("3");
    expect(placeOf(await one.visit("/first"))).toBe("1");
    free();
    for (const path of ["/first", "/later", "/second"]) {
      const { request, response } = await stage.origin.arrival();
      expect(request.url).toBe(path);
      response.end(path);
    }
    await later;
    expect(textOf(await two.visit("/second"))).toBe("/second");
    expect(textOf(await one.visit("/first"))).toBe("/first");
    await stage.sluice.until("web", ({ deferred }) => deferred?.answered === 0);
  });

  test("is not counted as one that left", async () => {
    const before = await abandoned("web");
    const free = await occupy(stage);
    const one = visitor();
    await one.visit("/counted");
    free();
    (await stage.origin.arrival()).response.end("counted");
    await one.visit("/counted");
    expect(await abandoned("web")).toBe(before);
  });

  test("waits at each address apart", async () => {
    const free = await occupy(stage);
    const one = visitor();
    await one.visit("/a");
    await one.visit("/a/b");
    await one.visit("/a?c");
    expect([...one.cookies.keys()]).toHaveLength(3);
    expect(await stage.sluice.snapshot("web")).toMatchObject({ queued: 3 });
    free();
    for (const path of ["/a", "/a/b", "/a?c"]) {
      (await stage.origin.arrival()).response.end(path);
      expect(textOf(await one.visit(path))).toBe(path);
    }
  });

  test("gets its answer again, if its connection broke before it had all of it", async () => {
    const free = await occupy(stage);
    const one = visitor();
    await one.visit("/large");
    const headers = { ...NAVIGATION, Cookie: [...one.cookies].map((pair) => pair.join("=")).join("; ") };
    free();
    const size = 8 << 20;
    (await stage.origin.arrival()).response.end("x".repeat(size));
    await stage.sluice.until("web", ({ deferred }) => deferred?.answered === 1);
    for (const requestId of ["broken-1", "broken-2"]) {
      const message = await open(stage.sluice.url, {
        path: "/large",
        headers: { ...headers, "X-Request-Id": requestId },
      });
      expect(message.statusCode).toBe(200);
      message.destroy();
      await stage.sluice.logged(({ requestId: id }) => id === requestId);
    }
    expect((await one.visit("/large")).body.byteLength).toBe(size);
    await stage.sluice.until("web", ({ deferred }) => deferred?.answered === 0);
  });

  test("waits for a server that is at work on it, and sees so meanwhile", async () => {
    const free = await occupy(stage);
    const one = visitor();
    await one.visit("/long");
    free();
    const { response } = await stage.origin.arrival();
    const page = await one.visit("/long");
    expect([page.status, textOf(page)]).toEqual([202, expect.stringContaining("being worked on")]);
    const reload = one.visit("/long");
    response.end("at last");
    expect(textOf(await reload)).toBe("at last");
  });

  test("is told why it has no answer, and begins anew when it asks again", async () => {
    const free = await occupy(stage, to("refusing"));
    const one = visitor();
    await one.visit("/", to("refusing"));
    stage.origin.answer = (request) => request.socket.destroy();
    free();
    await expect.poll(async () => (await status(one.id, to("refusing"))).state).toBe("failed");
    const failed = await one.visit("/", to("refusing"));
    expect([failed.status, one.id]).toEqual([502, undefined]);
    expect(textOf(failed)).toContain("502 bad-gateway");
    stage.origin.answer = (_request, response) => response.end("anew");
    // A machine that is slow may show the page first.
    await expect.poll(async () => textOf(await one.visit("/", to("refusing")))).toBe("anew");
  });

  test("is given up when it may wait no longer, and told so", async () => {
    await occupy(stage, to("short"));
    const one = visitor();
    await one.visit("/", to("short"));
    await expect.poll(async () => (await status(one.id, to("short"))).state).toBe("failed");
    const given = await one.visit("/", to("short"));
    expect([given.status, textOf(given)]).toEqual([503, expect.stringContaining("queue-timeout")]);
  });

  test("that an operator cancels is told so, once", async () => {
    await occupy(stage);
    const one = visitor();
    await one.visit("/cancel");
    const list = await stage.sluice.admin("GET", "/api/pools/web/deferred");
    const { requests } = (await list.json()) as DeferredList;
    const entry = requests.find(({ path }) => path === "/cancel");
    expect(entry).toMatchObject({ state: "queued", method: "GET" });
    await stage.sluice.admin("DELETE", `/api/pools/web/deferred/${entry?.id}`);
    expect((await one.visit("/cancel")).status).toBe(410);
    expect(one.id).toBeUndefined();
  });

  test("gets an answer that is too large to store as it comes, if it waits for it", async () => {
    const free = await occupy(stage, to("small"));
    const one = visitor();
    await one.visit("/", to("small"));
    free();
    const { response } = await stage.origin.arrival();
    const reload = one.visit("/", to("small"));
    // The reload waits by then, which began before.
    await status(one.id, { ...to("small"), Prefer: "wait=1" });
    response.end("x".repeat(5_000));
    const answer = await reload;
    expect([answer.status, answer.body.length]).toEqual([200, 5_000]);
  });

  test("waits directly where no more are stored, and keeps its turn", async () => {
    const free = await occupy(stage, to("full"));
    const one = visitor();
    await one.visit("/stored", to("full"));
    const two = visitor();
    const direct = two.visit("/direct", to("full"));
    await stage.sluice.until("full", ({ queued, deferred }) => queued === 2 && deferred?.queued === 1);
    const last = send(stage.sluice.url, { path: "/last", headers: to("full") });
    await stage.sluice.until("full", ({ queued }) => queued === 3);
    free();
    for (const path of ["/stored", "/direct", "/last"]) {
      const { request, response } = await stage.origin.arrival();
      expect(request.url).toBe(path);
      response.end(path);
    }
    expect([textOf(await direct), textOf(await last)]).toEqual(["/direct", "/last"]);
    const { recentRefusals } = await stage.sluice.snapshot("full");
    expect([recentRefusals, await abandoned("full")]).toEqual([[], 0]);
  });
});

describe("a drain", () => {
  test("shows the page, and after the resume the answer", async () => {
    onTestFinished(async () => void (await stage.sluice.resume("web")));
    await stage.sluice.drain("web");
    const one = visitor();
    const page = await one.visit("/drained");
    expect(page.status).toBe(202);
    expect(textOf(page)).toContain("not known yet");
    await stage.sluice.resume("web");
    (await stage.origin.arrival()).response.end("resumed");
    expect(textOf(await one.visit("/drained"))).toBe("resumed");
  });

  test("shows it at once where requests like it are stored in drains", async () => {
    onTestFinished(async () => void (await stage.sluice.resume("drained")));
    await stage.sluice.drain("drained");
    const one = visitor();
    const page = await one.visit("/", to("drained"));
    expect([page.status, page.headers.location]).toEqual([202, undefined]);
  });
});

describe("a page's place", () => {
  test("is that of the direct request that it was, also if the pool's object crashed meanwhile", async () => {
    const free = await occupy(stage);
    const one = visitor();
    const first = one.visit("/crash-before");
    await stage.sluice.until("web", ({ queued }) => queued === 1);
    const later = send(stage.sluice.url, { path: "/behind" });
    await stage.sluice.until("web", ({ queued }) => queued === 2);
    await stage.sluice.crash("web");
    expect([(await first).status, placeOf(await first)]).toEqual([202, "1"]);
    free();
    for (const path of ["/crash-before", "/behind"]) {
      const { request, response } = await stage.origin.arrival();
      expect(request.url).toBe(path);
      response.end(path);
    }
    await later;
  });

  test("is freed soon after its stream has closed, before that of a page that is only missed", async () => {
    await occupy(stage);
    const [one, two] = [visitor(), visitor()];
    await one.visit("/stream");
    const path = `/_sluice/requests/${one.id}`;
    const { request, response } = begin(stage.sluice.url, { path, headers: { Accept: "text/event-stream" } });
    request.end();
    const [event] = await once(await response, "data");
    expect(String(event)).toContain('"estimate":"');
    await two.visit("/silent");
    request.destroy();
    await stage.sluice.until("web", ({ queued }) => queued === 1, 50_000);
    expect((await status(two.id)).state).toBe("queued");
  }, 70_000);

  test("is given up while its server works, where on_client_abort says so", async () => {
    const free = await occupy(stage, to("cancel"));
    const one = visitor();
    await one.visit("/", to("cancel"));
    free();
    const { request } = await stage.origin.arrival();
    const closed = once(request.socket, "close");
    const cookie = [...one.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...NAVIGATION, ...to("cancel"), Cookie: cookie, "x-leave-after": "told" };
    const left = send(stage.sluice.leaverUrl, { headers });
    // It is there by then: this one began later, and is over.
    await status(one.id, { ...to("cancel"), Prefer: "wait=1" });
    await stage.sluice.tellLeavers();
    expect((await left).status).toBe(499);
    await closed;
    await stage.sluice.until("cancel", ({ deferred }) => deferred?.running === 0);
  });

  test("survives a crash of the pool's object", async () => {
    const free = await occupy(stage);
    const one = visitor();
    await one.visit("/crash");
    await stage.sluice.crash("web");
    expect(placeOf(await one.visit("/crash"))).toBe("1");
    const later = send(stage.sluice.url, { path: "/after-crash" });
    await stage.sluice.until("web", ({ queued }) => queued === 2);
    free();
    for (const path of ["/crash", "/after-crash"]) {
      const { request, response } = await stage.origin.arrival();
      expect(request.url).toBe(path);
      response.end(path);
    }
    await later;
    expect(textOf(await one.visit("/crash"))).toBe("/crash");
  });

  test("survives a crash of its request's object", async () => {
    const free = await occupy(stage);
    const one = visitor();
    await one.visit("/own-crash");
    await stage.sluice.crashDeferred(one.id as string);
    expect(placeOf(await one.visit("/own-crash"))).toBe("1");
    free();
    (await stage.origin.arrival()).response.end("there");
    expect(textOf(await one.visit("/own-crash"))).toBe("there");
  });

  test("is freed once its page is missed", async () => {
    await occupy(stage);
    const one = visitor();
    await one.visit("/gone");
    const { id } = one;
    await expect
      .poll(async () => (await stage.sluice.snapshot("web")).queued, { timeout: 50_000, interval: 500 })
      .toBe(0);
    expect((await status(id)).code).toBe("unknown-request");
    // Whoever comes back begins anew.
    expect(placeOf(await one.visit("/gone"))).toBe("1");
    expect(one.id).not.toBe(id);
  }, 70_000);
});

describe("no page comes", () => {
  const navigates = {};
  test.each<[string, Record<string, string>, string?]>([
    ["to a request that is no navigation", { "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty" }],
    ["in a frame", { "Sec-Fetch-Dest": "iframe" }],
    ["to a prefetch", { "Sec-Purpose": "prefetch;prerender" }],
    ["to one that wants JSON", { Accept: "application/json" }],
    ["for a part of a file", { Range: "bytes=0-9" }],
    ["to a POST", navigates, "POST"],
  ])("%s", async (_, headers, method) => {
    const free = await occupy(stage);
    const answer = visitor().visit("/direct", headers, method);
    await stage.sluice.until("web", ({ queued }) => queued === 1);
    // A page that comes to whoever asked after it: its own would have come before.
    const other = visitor();
    expect((await other.visit("/other")).status).toBe(202);
    free();
    for (const path of ["/direct", "/other"]) {
      const { request, response } = await stage.origin.arrival();
      expect(request.url).toBe(path);
      response.end(path);
    }
    expect([(await answer).status, textOf(await answer)]).toEqual([200, "/direct"]);
  });

  test("where the pool has none", async () => {
    const free = await occupy(stage, to("plain"));
    const answer = visitor().visit("/", to("plain"));
    await stage.sluice.until("plain", ({ oldestWaitMs }) => oldestWaitMs > 1_500);
    free();
    (await stage.origin.arrival()).response.end("direct");
    expect(textOf(await answer)).toBe("direct");
  });

  test("for a free path", async () => {
    await occupy(stage, to("free"));
    stage.origin.answer = (_request, response) => response.end("free");
    expect(textOf(await visitor().visit("/free", to("free")))).toBe("free");
  });
});

describe("the cookie of a page", () => {
  test("is no server's business, and leaves the others as they are", async () => {
    stage.origin.answer = (request, response) => response.end(`[${request.headers.cookie}]`);
    const cookies = async (cookie: string) =>
      textOf(await send(stage.sluice.url, { headers: { Cookie: cookie } }));
    expect(await cookies("a=1; sluice-wait-0123456789abcdef=x; b=2")).toBe("[a=1; b=2]");
    expect(await cookies("sluice-wait-0123456789abcdef=x")).toBe("[undefined]");
    expect(await cookies("a=1; b=2")).toBe("[a=1; b=2]");
  });

  test("touches nothing but navigations", async () => {
    const free = await occupy(stage);
    const one = visitor();
    await one.visit("/mixed");
    const script = one.visit("/mixed", {
      "Sec-Fetch-Mode": "cors",
      "Sec-Fetch-Dest": "empty",
      Accept: "*/*",
    });
    await stage.sluice.until("web", ({ queued }) => queued === 2);
    free();
    (await stage.origin.arrival()).response.end("the page's");
    (await stage.origin.arrival()).response.end("the script's");
    expect(textOf(await script)).toBe("the script's");
    expect(textOf(await one.visit("/mixed"))).toBe("the page's");
  });

  test("that leads nowhere is forgotten, and the visit is a new one", async () => {
    stage.origin.answer = (_request, response) => response.end("new");
    const one = visitor();
    const name = `sluice-wait-${createHash("sha256").update("/").digest("hex").slice(0, 16)}`;
    for (const id of ["nonsense", `${"0".repeat(64)}${"0".repeat(32)}`]) {
      one.cookies.set(name, id);
      expect(textOf(await one.visit("/"))).toBe("new");
      expect(one.id).toBeUndefined();
    }
  });

  test("does not show the answer to another address, nor to a request that no page waits for", async () => {
    const free = await occupy(stage);
    const one = visitor();
    await one.visit("/mine");
    const id = one.id as string;
    const two = visitor();
    await two.visit("/other");
    const [name = ""] = [...two.cookies.keys()];
    two.cookies.set(name, id);
    const other = await two.visit("/other");
    expect([other.status, two.id === id]).toEqual([202, false]);
    free();
    for (const path of ["/mine", "/other", "/other"]) {
      const { request, response } = await stage.origin.arrival();
      expect(request.url).toBe(path);
      response.end(path);
    }
  });

  test("is for the folder of a path that no cookie can name", async () => {
    await occupy(stage);
    const one = visitor();
    const answer = await one.visit("/x/y;z/w");
    expect(answer.headers["set-cookie"]?.[0]).toContain("; Path=/x/; HttpOnly");
  });
});
