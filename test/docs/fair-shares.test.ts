/** Plays the recipes of docs/fair-shares.md, as they stand there, and runs its command. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { flowOf } from "../../src/carry/flow.ts";
import { settings } from "../scheduler/settings.ts";
import { read } from "./documents.ts";
import { fencesOf } from "./markdown.ts";
import { Clients, type Outcome, recipe, type Sent } from "./recipe.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** So many at once. */
const burst = (count: number, request: Sent): Sent[] => Array.from({ length: count }, () => request);
/** One each so many ms. */
const every = (ms: number, count: number, request: Sent): Sent[] =>
  Array.from({ length: count }, (_, n) => ({ ...request, at: request.at + n * ms }));
const of = (name: string, outcomes: readonly Outcome[]) => outcomes.filter((one) => one.name === name);
const waitsOf = (outcomes: readonly Outcome[]) => outcomes.map(({ at, startedAt }) => (startedAt ?? 0) - at);
const names = (outcomes: readonly Outcome[]) => outcomes.map(({ name }) => name);

describe("per API key", () => {
  const key = (name: string) => ({ name, headers: { "X-Api-Key": `sk-${name}` }, at: 0, takes: SECOND });

  test("who sends one request at a time waits for the next slots, and the heavy client gets the rest", async () => {
    const clients = new Clients(recipe("Per API key"));
    const outcomes = await clients.send(
      [...burst(200, key("heavy")), ...every(5 * SECOND, 6, { ...key("light"), at: 10 })],
      30 * SECOND,
    );
    const waits = waitsOf(of("light", outcomes));
    expect(waits).toHaveLength(6);
    expect(Math.max(...waits)).toBeLessThanOrEqual(2 * SECOND);
    // Two servers, 30 s, a second each.
    expect(of("heavy", outcomes)).toHaveLength(60 - 6);
  });

  test("the 201st of one key that waits is refused, and nobody else's", async () => {
    const outcomes = await new Clients(recipe("Per API key")).send([
      ...burst(204, key("heavy")),
      ...burst(3, { ...key("light"), at: 10 }),
    ]);
    expect(outcomes.filter(({ refused }) => refused !== null)).toEqual(
      burst(2, expect.objectContaining({ name: "heavy", refused: "flow-queue-full" })),
    );
  });

  test("time counts, not requests: who needs a second gets as much as who needs a minute", async () => {
    const long = { ...key("long"), takes: MINUTE };
    const outcomes = await new Clients(recipe("Per API key")).send(
      [...burst(100, long), ...burst(200, key("short"))],
      9 * MINUTE,
    );
    const time = (name: string) => of(name, outcomes).reduce((sum, { takes }) => sum + takes, 0);
    // 200 s of short requests are there, and long ones get what they leave.
    const untilShortEnds = outcomes.findLast(({ name }) => name === "short")?.startedAt ?? 0;
    const longBefore = of("long", outcomes).filter(({ startedAt }) => (startedAt ?? 0) < untilShortEnds);
    expect(time("short")).toBe(200 * SECOND);
    expect(Math.abs(longBefore.length * MINUTE - 200 * SECOND)).toBeLessThanOrEqual(2 * MINUTE);
  });
});

test("per address: one network of IPv6 is one client, and another one is not", async () => {
  const from = (name: string, address: string) => ({
    name,
    at: 0,
    takes: SECOND,
    headers: { "CF-Connecting-IP": address },
  });
  const outcomes = await new Clients(recipe("Per address")).send([
    ...burst(50, from("a", "2001:db8:1:2::1")),
    ...burst(50, from("a", "2001:db8:1:2::2")),
    ...burst(2, { ...from("b", "2001:db8:1:3::1"), at: 10 }),
  ]);
  expect(Math.max(...waitsOf(of("b", outcomes)))).toBeLessThanOrEqual(4 * SECOND);
  expect(names(outcomes.slice(-90))).toEqual(burst(90, "a" as never));
});

describe("per session", () => {
  const visit = (name: string, cookie: string) => ({
    name,
    at: 0,
    takes: SECOND,
    headers: { Cookie: cookie },
  });

  test("all visitors without one are one together", async () => {
    const outcomes = await new Clients(recipe("Per session")).send([
      ...burst(20, visit("new", "lang=en")),
      ...burst(3, { ...visit("known", "lang=en; session=abc"), at: 10 }),
    ]);
    expect(Math.max(...waitsOf(of("known", outcomes)))).toBeLessThanOrEqual(6 * SECOND);
  });

  test("the 101st visitor without one who has to wait is refused", async () => {
    const outcomes = await new Clients(recipe("Per session")).send([
      ...burst(102, visit("new", "lang=en")),
      { ...visit("known", "session=abc"), at: 10 },
    ]);
    expect(outcomes.filter(({ refused }) => refused !== null)).toEqual([
      expect.objectContaining({ name: "new", refused: "flow-queue-full" }),
    ]);
  });
});

test("two slots for each tenant: its third request waits though slots be free", async () => {
  const tenant = (name: string) => ({ name, at: 0, takes: SECOND, headers: { "X-Tenant": name } });
  const outcomes = await new Clients(recipe("Two slots for each tenant")).send([
    ...burst(5, tenant("a")),
    ...burst(2, { ...tenant("b"), at: 10 }),
  ]);
  expect(of("a", outcomes).map(({ startedAt }) => startedAt)).toEqual([0, 0, 1000, 1000, 2000]);
  expect(of("b", outcomes).map(({ startedAt }) => startedAt)).toEqual([10, 10]);
});

describe("interactive before batch", () => {
  const chat = { name: "chat", path: "/chat/1", at: 0, takes: SECOND };
  const batch = { name: "batch", path: "/batch/1", method: "POST", at: 0, takes: SECOND };
  const other = { name: "other", path: "/v1/models", at: 0, takes: SECOND };
  const gold = { ...chat, name: "gold", headers: { "X-Plan": "gold" } };
  /** The order of these behind a request that takes so long. */
  const orderBehind = async (takes: number, ...requests: Sent[]) => {
    const clients = new Clients(recipe("Interactive before batch"));
    const outcomes = await clients.send([{ ...other, name: "first", takes }, ...requests]);
    return names(outcomes.slice(1));
  };

  test("a chat goes before what came less than 30 s before it, and behind what came earlier", async () => {
    const early = { ...other, name: "early", at: 1 };
    expect(await orderBehind(MINUTE, early, { ...other, at: 2 }, { ...chat, at: 30_001.5 })).toEqual([
      "early",
      "chat",
      "other",
    ]);
  });

  test("who pays most goes ahead by a minute, by the first entry that matches", async () => {
    expect(await orderBehind(2 * MINUTE, { ...chat, at: 1 }, { ...gold, at: 30_000 })).toEqual([
      "gold",
      "chat",
    ]);
    expect(await orderBehind(2 * MINUTE, { ...chat, at: 1 }, { ...gold, at: 30_002 })).toEqual([
      "chat",
      "gold",
    ]);
  });

  test("a batch request gives way to all that comes in the five minutes after it; then it is its turn", async () => {
    const within = { ...other, at: 5 * MINUTE };
    const after = { ...other, name: "after", at: 5 * MINUTE + 2 };
    expect(await orderBehind(6 * MINUTE, { ...batch, at: 1 }, within, after)).toEqual([
      "other",
      "batch",
      "after",
    ]);
  });
});

test("both together: a client's chats go before its own batch, and take nothing of somebody else's share", async () => {
  const request = (name: string, path: string, key: string, at: number) => ({
    name,
    path,
    headers: { "X-Api-Key": key },
    at,
    takes: SECOND,
  });
  const pool = recipe("Both together");
  const [only] = pool.servers;
  const outcomes = await new Clients({ ...pool, servers: only ? [only] : [] }).send([
    request("first", "/", "other", 0),
    ...burst(2, request("a's batch", "/batch/1", "a", 1)),
    ...burst(4, request("b's batch", "/batch/1", "b", 2)),
    ...burst(2, request("a's chat", "/chat/1", "a", 3)),
  ]);
  expect(
    names(outcomes.slice(1))
      .map((name) => name[0])
      .join(""),
  ).toMatch(/^(ab|ba){4}$/);
  expect(names(outcomes.filter(({ name }) => name[0] === "a"))).toEqual([
    "a's chat",
    "a's chat",
    "a's batch",
    "a's batch",
  ]);
});

describe("whose flow it is", () => {
  const [command = ""] = fencesOf(read("docs/fair-shares.md"))
    .filter(({ language }) => language === "sh")
    .map(({ text }) => text);
  const told = (value: string) =>
    spawnSync("sh", ["-c", command], {
      env: { ...process.env, API_KEY: value },
      encoding: "utf8",
    }).stdout.trim();

  test("is what the command says of a key, and of a network", async () => {
    const key = "sk-live 5f0c/ü";
    const headers = new Headers({ "CF-Connecting-IP": "2001:DB8::1:0:0:0:7" });
    const target = { path: "/", pathAndQuery: `/?key=${encodeURIComponent(key)}` };
    expect(told(key)).toBe(await flowOf(settings({ flow: "query:key" }), headers, target));
    expect(read("docs/fair-shares.md")).toContain("`2001:db8:0:1::/64`");
    headers.set("CF-Connecting-IP", "2001:DB8:0:1::7");
    expect(told("2001:db8:0:1::/64")).toBe(await flowOf(settings({ flow: "address" }), headers, target));
  });
});
