import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApiText } from "../../scripts/build-openapi.ts";
import { admin } from "../../src/admin/app.ts";
import { CHANGES } from "../../src/link/audit.ts";
import { Deferrer } from "../deferred/support.ts";
import { read } from "../docs/documents.ts";
import { codeIn, tableBelow } from "../docs/markdown.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { Judge, OPERATIONS, refusalsOf, TEXT } from "./openapi-judge.ts";
import { BEARER, IDLE_POOLS } from "./support.ts";

const API = "docs/admin-api.md";
const POOL = "/_sluice/api/pools/{pool}";
const REQUEST = "/_sluice/requests/{id}";

const ofTag = (tag: string) => [...OPERATIONS].filter(([, { tags }]) => tags.includes(tag));

describe("the OpenAPI document", () => {
  test("is what the Worker's schemas and the table of routes say: else `npm run build:openapi`", () => {
    // Not toBe on the texts, which would print both.
    expect(openApiText() === TEXT).toBe(true);
  });

  test("is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(JSON.parse(TEXT));
    expect([valid, errors, validator.version]).toEqual([true, undefined, "3.1"]);
  });

  test("has every route of the admin side, and no other", () => {
    const routes = admin.routes.filter(({ method }) => method !== "ALL");
    const named = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(new Set(named).size).toBeGreaterThan(10);
    expect(
      ofTag("admin")
        .map(([route]) => route)
        .sort(),
    ).toEqual([...new Set(named)].sort());
  });

  test("has every address of a deferred request", () => {
    const rows = tableBelow(read("docs/deferred.md"), "## The address").flatMap(([cell = ""]) =>
      codeIn(cell),
    );
    const addresses = rows.filter((code) => /^(GET|DELETE)/.test(code));
    const told = addresses.map(
      (code) => `${code.split(" ")[0]} ${REQUEST}${code.endsWith("/response") ? "/response" : ""}`,
    );
    expect(
      ofTag("requests")
        .map(([route]) => route)
        .sort(),
    ).toEqual(told.sort());
  });

  test("needs the token where the Worker does", () => {
    const open = [...OPERATIONS].filter(([, { security }]) => security !== undefined).map(([route]) => route);
    expect(open).toEqual(["GET /_sluice/healthz", ...ofTag("requests").map(([route]) => route)]);
  });

  test("names each operation differently", () => {
    const names = [...OPERATIONS.values()].map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
  });

  test("has every refusal that docs/admin-api.md lists, with its status, and no other", () => {
    const listed = tableBelow(read(API), "## Refusals").map(
      ([code = "", status = ""]) => `${Number.parseInt(status, 10)} ${codeIn(code)[0]}`,
    );
    const told = new Set(ofTag("admin").flatMap(([, operation]) => refusalsOf(operation)));
    // Whoever meets it has not found any of these routes.
    expect([...told].sort()).toEqual(listed.filter((one) => one !== "404 unknown-route").sort());
  });

  test.each([
    ["`POST …/drain` takes", [`POST ${POOL}/drain`]],
    ["`POST …/stop` takes", [`POST ${POOL}/stop`]],
    ["`POST …/resume` takes", [`POST ${POOL}/resume`]],
    ["`PATCH …/servers/:server` takes", [`PATCH ${POOL}/servers/{server}`]],
    ["`DELETE …/deferred/:id` takes", [`DELETE ${POOL}/deferred/{id}`]],
    ["`POST …/deferred/:id/retry` puts", [`POST ${POOL}/deferred/{id}/retry`]],
    ["A request of another pool", [`DELETE ${POOL}/deferred/{id}`, `POST ${POOL}/deferred/{id}/retry`]],
  ])("has each status and code that docs/admin-api.md tells of in “%s …”", (begins, routes) => {
    const from = read(API).indexOf(`\n${begins}`);
    const [text = ""] = read(API)
      .slice(from + 1)
      .split(/\n(?=#|`[A-Z]+ …|A request of)/);
    const told = [...text.matchAll(/\b(\d{3}) `([a-z-]+)`/g)].map(([, status, code]) => `${status} ${code}`);
    const alone = [...text.matchAll(/\b(20\d)\b/g)].map(([status]) => status);
    expect(told.length + alone.length).toBeGreaterThan(0);
    for (const route of routes) {
      const operation = OPERATIONS.get(route);
      expect(operation && refusalsOf(operation)).toEqual(expect.arrayContaining(told));
      expect(Object.keys(operation?.responses ?? {})).toEqual(expect.arrayContaining(alone));
    }
  });
});

describe("the running Worker", () => {
  const judge = new Judge();
  let origin: Origin;
  /** Of a server that registers. */
  let other: Origin;
  let sluice: Sluice;
  let clients: Deferrer;

  beforeAll(async () => {
    origin = await Origin.start();
    other = await Origin.start();
    const servers = [{ name: "web-1", url: origin.url }];
    const keys = {
      ...{ deferred: {}, flow: "address" },
      ...{ quarantine: { broken: "1ms", cancel: "1ms" }, on_client_abort: "cancel" },
    };
    const register = { urls: [other.url] };
    sluice = await Sluice.start({ pools: { web: { servers, register, ...keys } } });
    clients = new Deferrer(() => sluice);
  });
  afterAll(async () => {
    await sluice.stop();
    await origin.stop();
    await other.stop();
  });

  const ask = (...args: Parameters<Judge["ask"]> extends [unknown, ...infer Rest] ? Rest : never) =>
    judge.ask(sluice, ...args);
  const body = (value: unknown) => ({ body: JSON.stringify(value) });
  const serve = () => {
    origin.answer = (_, response) => response.end("served");
  };
  const breakOff = () => {
    origin.answer = (request) => request.socket.destroy();
  };
  const untilDeferred = (state: "answered" | "failed" | "queued", least: number) =>
    sluice.until("web", ({ deferred }) => (deferred?.[state] ?? 0) >= least);

  test("serves the document, to those who have the token", async () => {
    expect(await ask("GET /_sluice/api/openapi.json")).toBe(TEXT);
    await ask("GET /_sluice/api/openapi.json", {}, { headers: {} });
    expect(judge.seen).toContain("getOpenApi 401 unauthorized");
  });

  test("answers as the document says: all pools, one, and metrics", async () => {
    await ask("GET /_sluice/healthz", {}, { headers: {} });
    await ask("GET /_sluice/metrics");
    await ask("GET /_sluice/api/pools");
    await ask(`GET ${POOL}`);
    await ask(`GET ${POOL}`, { pool: "none" });
    await ask(`GET ${POOL}/events`, {}, { reads: false });
  });

  test("answers as the document says: drains, with requests in flight and without", async () => {
    origin.answer = null;
    const inFlight = fetch(sluice.url);
    const { response } = await origin.arrival();
    await ask(`POST ${POOL}/drain`, {}, body({ owner: "one", reason: "v2" }));
    await ask(`GET ${POOL}`);
    await ask(`POST ${POOL}/drain`, {}, body({ owner: "other" }));
    await ask(`POST ${POOL}/stop`, {}, body({ owner: "one", message: "Back at nine.", cut: "1h" }));
    await ask(`POST ${POOL}/stop`, {}, body({ owner: "other" }));
    await ask(`GET ${POOL}`);
    await ask(`POST ${POOL}/resume`, {}, body({ owner: "other" }));
    response.end("done");
    await (await inFlight).text();
    await ask(`POST ${POOL}/stop`, {}, body({ owner: "one", wait: "10s" }));
    await ask(`POST ${POOL}/drain`, {}, body({ owner: "one", wait: "10s" }));
    await ask(`POST ${POOL}/resume`, {}, body({ owner: "one" }));
    await ask("GET /_sluice/api/me");
    await ask(`POST ${POOL}/drain`, {}, body({ waits: "10s" }));
    await ask(`POST ${POOL}/drain`, {}, { headers: { ...BEARER, "Sec-Fetch-Site": "cross-site" } });
  });

  test("answers as the document says: servers and leases", async () => {
    const server = `PATCH ${POOL}/servers/{server}`;
    await ask(server, { server: "web-1" }, body({ state: "drain", slots: 2, owner: "me", cut: "1h" }));
    await ask(server, { server: "web-1" }, body({ state: "ready", ifState: "maint" }));
    await ask(server, { server: "web-1" }, body({ state: "ready", slots: null }));
    await ask(server, { server: "none" }, body({ state: "ready" }));
    const registers = `PUT ${POOL}/servers/{server}`;
    const removes = `DELETE ${POOL}/servers/{server}`;
    const { url } = other;
    await ask(registers, { server: "gpu-7" }, body({ url }));
    await ask(registers, { server: "gpu-7" }, body({ url, expires: "1h" }));
    await ask(registers, { server: "web-1" }, body({ url }));
    await ask(registers, { server: "gpu-8" }, body({ url: "http://127.0.0.1:8" }));
    await ask(registers, { server: "gpu-8" }, body({}));
    await ask(server, { server: "web-1" }, body({ state: "maint" }));
    await ask(registers, { server: "gpu-7" }, body({ url: other.url, expires: "1h" }));
    const long = fetch(sluice.url);
    const { response } = await other.arrival();
    await ask(removes, { server: "gpu-7" });
    response.end("done");
    await (await long).text();
    await sluice.until("web", ({ servers }) => servers.length === 1);
    await ask(registers, { server: "gpu-7" }, body({ url: other.url, expires: "1h" }));
    await ask(removes, { server: "gpu-7" });
    await ask(server, { server: "web-1" }, body({ state: "ready" }));
    origin.answer = null;
    const freed = fetch(sluice.url).catch(() => null);
    await origin.arrival();
    const [lease] = (await sluice.snapshot("web")).servers[0]?.leases ?? [];
    await ask(`DELETE ${POOL}/leases/{lease}`, { lease: lease?.id ?? "" });
    await ask(`DELETE ${POOL}/leases/{lease}`, { lease: "none" });
    await freed;
  });

  test("answers as the document says: deferred requests, to operators", async () => {
    breakOff();
    const id = await clients.defer("/fails");
    await untilDeferred("failed", 1);
    serve();
    await ask(`POST ${POOL}/deferred/{id}/retry`, { id });
    await clients.until(id, "answered");
    await untilDeferred("answered", 1);
    await ask(`POST ${POOL}/deferred/{id}/retry`, { id });
    await ask(`POST ${POOL}/deferred/{id}/retry`, { id: "none" });
    await ask(`GET ${POOL}/deferred`, {}, { query: "?limit=1" });
    await ask(`GET ${POOL}/deferred`, {}, { query: "?limit=0" });
    await ask(`DELETE ${POOL}/deferred/{id}`, { id }, { query: "?forget=false" });
    await ask(`DELETE ${POOL}/deferred/{id}`, { id });
    await ask(`DELETE ${POOL}/deferred/{id}`, { id });
    origin.answer = null;
    const running = await clients.defer("/runs");
    await origin.arrival();
    await ask(`DELETE ${POOL}/deferred/{id}`, { id: running });
    await clients.until(running, "canceled");
  });

  test("answers as the document says: who has done all that", async () => {
    const { changes } = JSON.parse(await ask("GET /_sluice/api/audit", {}, { query: "?limit=1000" }));
    expect(new Set(changes.map(({ act }: { act: string }) => act)).size).toBe(CHANGES.length);
    await ask("GET /_sluice/api/audit", {}, { query: "?limit=0" });
    await ask("GET /_sluice/api/audit", {}, { query: "?pool=none" });
  });

  test("answers as the document says: deferred requests, to their clients", async () => {
    origin.answer = null;
    const id = await clients.defer("/served");
    const { response } = await origin.arrival();
    await ask(`GET ${REQUEST}`, { id }, { headers: {} });
    await ask(`GET ${REQUEST}`, { id }, { headers: { Accept: "text/html" } });
    await ask(`GET ${REQUEST}`, { id }, { headers: { Accept: "text/event-stream" }, reads: false });
    await ask(`GET ${REQUEST}/response`, { id }, { headers: {} });
    response.end("served");
    await clients.ended(id);
    await ask(`GET ${REQUEST}`, { id }, { headers: {} });
    expect(await ask(`GET ${REQUEST}/response`, { id }, { headers: {} })).toBe("served");
    await ask(`DELETE ${REQUEST}`, { id }, { headers: {} });
    await ask(`GET ${REQUEST}`, { id }, { headers: {} });

    const running = await clients.defer("/runs");
    await origin.arrival();
    await ask(`DELETE ${REQUEST}`, { id: running }, { headers: {} });
    await clients.until(running, "canceled");
    await ask(`GET ${REQUEST}/response`, { id: running }, { headers: {} });
  });

  test.each([
    ["is misconfigured", { pools: {} }, "500 misconfigured"],
    ["has no token", { pools: IDLE_POOLS, token: null }, "503 admin-disabled"],
  ])("answers as the document says where it %s", async (_, options, refusal) => {
    const other = await Sluice.start(options);
    await judge.ask(other, "GET /_sluice/api/pools").finally(() => other.stop());
    expect(judge.seen).toContain(`listPools ${refusal}`);
  });

  test("was seen to give every answer of the document that is no refusal", () => {
    const told = [...OPERATIONS.values()].flatMap(({ operationId, responses }) =>
      Object.keys(responses)
        .filter((status) => /^(2|default)/.test(status))
        .map((status) => `${operationId} ${status}`),
    );
    expect(told.length).toBeGreaterThan(15);
    expect(told.filter((one) => !judge.seen.has(one))).toEqual([]);
  });

  test("was seen to refuse by most codes", () => {
    const codes = new Set([...judge.seen].flatMap((one) => one.split(" ")[2] ?? []));
    expect([...codes].sort()).toEqual([
      "admin-disabled",
      "already-ended",
      "canceled",
      "drain-held",
      "forbidden",
      "invalid-request",
      "misconfigured",
      "not-failed",
      "registration-refused",
      "server-known",
      "state-changed",
      "unauthorized",
      "unknown-lease",
      "unknown-pool",
      "unknown-request",
      "unknown-server",
    ]);
  });
});
