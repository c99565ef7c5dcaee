import { describe, expect, test } from "vitest";
import { History } from "../../src/dashboard/page/history.ts";
import { outlookOf, outlookOnLoss } from "../../src/dashboard/page/outlook.ts";
import type { PoolEvent } from "../../src/scheduler/record/events.ts";
import type { ServerSnapshot, Snapshot } from "../../src/scheduler/snapshot.ts";
import { clockInWords } from "../../src/words/times.ts";
import {
  aDeferredPool,
  ago,
  aLease,
  aPool,
  aQuarantinedLease,
  aServer,
  drainedBy,
  NOW,
  refused,
} from "./snapshots.ts";

const adviceOn = (pool: Snapshot, events: PoolEvent[] = [], history?: History) =>
  outlookOf(pool, "admin", NOW, history, events).advice.map(({ weight, text }) => `${weight}: ${text}`);

/** Lengths of the waiting list, by their age in seconds. */
function historyOf(waiting: Record<number, number>, oldestWaitMs = 0): History {
  const history = new History();
  const points = Object.entries(waiting).sort(([a], [b]) => Number(b) - Number(a));
  for (const [seconds, queued] of points)
    history.addSnapshot(aPool({ queued, oldestWaitMs }), NOW - Number(seconds) * 1_000);
  return history;
}

const up = (name: string) => aServer({ name });
const down = (name: string, seconds: number, changes: Partial<ServerSnapshot> = {}) =>
  aServer({
    name,
    health: "down",
    healthSince: ago(seconds),
    lastCheck: { at: ago(1), passed: false, got: "status 503" },
    ...changes,
  });
const set = (name: string, state: "drain" | "maint", changes: Partial<ServerSnapshot> = {}) =>
  aServer({ name, state, ...changes });

test("a pool that is well needs nothing", () => {
  expect(adviceOn(aPool())).toEqual([]);
});

test("a pool whose object cannot be reached is no other pool's business, and says since when", () => {
  const texts = [NOW - 5_000, null].map((lostAt) =>
    outlookOnLoss(lostAt, NOW).advice.map(({ text }) => text),
  );
  const end =
    " New requests are refused meanwhile (pool-unavailable), and Sluice tries again by itself. The Worker’s log may say why.";
  const since = `since ${clockInWords(NOW - 5_000, NOW)}; the figures are from then`;
  expect(texts).toEqual([
    [`Its Durable Object cannot be reached ${since}.${end}`],
    [`Its Durable Object cannot be reached.${end}`],
  ]);
});

describe("objects that are the limit, and not the servers", () => {
  const servers = Array.from({ length: 100 }, (_, n) => aServer({ name: `web-${n}` }));
  const limited = { servers, grantsPerSecond: 340, serviceMs: { p50: 100, p95: 100, p99: 100 } };
  const cure =
    "Set shards = 3: its Durable Object is near its limit, some 350 requests a second on Cloudflare, and the servers could take 880.";

  test("are told of before anybody has to wait", () => {
    expect(adviceOn(aPool(limited))).toEqual([`plain: ${cure}`]);
  });

  test("are why requests wait or are refused, so that nobody is told to add servers", () => {
    const queue = historyOf({ 60: 0, 30: 20, 0: 60 });
    expect(adviceOn(aPool({ ...limited, queued: 60 }), [], queue)).toEqual([
      `warn: ${cure} Meanwhile the waiting list grows: 0 → 60 within 1 min.`,
    ]);
    expect(adviceOn(aPool({ ...limited, recentRefusals: [refused("queue-full", 7)] }))).toEqual([
      `bad: ${cure} Meanwhile: 7 requests refused lately (queue-full).`,
    ]);
  });

  test("are nobody's trouble in a drain", () => {
    expect(adviceOn(aPool({ ...limited, ...drainedBy("admin") })).join()).not.toContain("shards");
  });
});

describe("servers", () => {
  test("one down beside others is named, and since when", () => {
    expect(adviceOn(aPool({ servers: [down("web-1", 190), up("web-2")] }))).toEqual([
      "warn: web-1 is down (status 503), for 3 min 10 s. The other serves on; look whether it runs and answers its health check.",
    ]);
  });

  test("some down and some taken out leave the rest, which is counted", () => {
    const servers = [down("web-1", 5), down("web-2", 65), set("web-3", "maint"), up("web-4"), up("web-5")];
    expect(adviceOn(aPool({ servers }))).toEqual([
      "warn: web-1 and web-2 are down (status 503), the first for 1 min 5 s. 2 of 5 servers serve on; look whether they run and answer their health check.",
    ]);
  });

  test("taken out by operators beside others need no advice", () => {
    expect(adviceOn(aPool({ servers: [up("web-1"), set("web-2", "drain", { health: "down" })] }))).toEqual(
      [],
    );
  });

  test("of weight 0 beside others need no advice, down or not", () => {
    const servers = [up("web-1"), aServer({ name: "web-2", weight: 0 }), down("web-3", 60, { weight: 0 })];
    expect(adviceOn(aPool({ servers }))).toEqual([]);
  });

  test.each([
    [
      [aServer({ name: "web-1", weight: 0 })],
      "bad: No server takes requests: web-1 is set to weight 0. Give web-1 a weight.",
    ],
    [
      [aServer({ name: "web-1", weight: 0 }), set("web-2", "drain")],
      "bad: No server takes requests: all are set to drain or weight 0. Set one to ready or give one a weight.",
    ],
    [
      [set("web-1", "drain", { weight: 0 })],
      "bad: No server takes requests: web-1 is set to drain. Set web-1 to ready and give web-1 a weight.",
    ],
    [
      [down("web-1", 190), aServer({ name: "web-2", weight: 0 })],
      "bad: No server takes requests: web-1 is down (status 503), for 3 min 10 s, and web-2 is set to weight 0. Start or mend what is down, or give web-2 a weight.",
    ],
    [
      [down("web-1", 190, { weight: 0 })],
      "bad: No server takes requests: web-1 is down (status 503), for 3 min 10 s, and set to weight 0. Start or mend it, and give it a weight; it is used again by itself once its health checks pass.",
    ],
  ])("of weight 0, and nothing else, are said as what they are: %#", (servers, advice) => {
    expect(adviceOn(aPool({ servers }))).toEqual([advice]);
  });

  test("of weight 0 are counted among those that an operator could put back", () => {
    const servers = [up("web-1"), aServer({ name: "web-2", weight: 0 })];
    const queue = historyOf({ 60: 0, 30: 20, 0: 60 });
    const [advice] = adviceOn(aPool({ servers, queued: 60 }), [], queue);
    expect(advice).toContain("give web-2 a weight again, or add servers or slots");
  });

  test("all down is said as what it is, and who waits for them", () => {
    const servers = [down("web-1", 5), down("web-2", 65)];
    expect(adviceOn(aPool({ servers, queued: 5 }))).toEqual([
      "bad: No server takes requests: web-1 and web-2 are down (status 503), the first for 1 min 5 s. Start or mend them; each is used again by itself once its health checks pass. 5 requests wait for one.",
    ]);
    expect(adviceOn(aPool({ servers: [down("web-1", 5)], queued: 1 }))).toEqual([
      "bad: No server takes requests: web-1 is down (status 503), for 5 s. Start or mend it; it is used again by itself once its health checks pass. 1 request waits for one.",
    ]);
  });

  test("all taken out by operators are not taken for a failure", () => {
    const servers = [set("web-1", "maint", { health: "down" }), set("web-2", "drain")];
    expect(adviceOn(aPool({ servers }))).toEqual([
      "bad: No server takes requests: all are set to drain or maintenance. Set one to ready.",
    ]);
    expect(adviceOn(aPool({ servers: [set("web-1", "maint")] }))).toEqual([
      "bad: No server takes requests: web-1 is set to maintenance. Set web-1 to ready.",
    ]);
  });

  test("taken out by a roll are not put back under its hands", () => {
    expect(adviceOn(aPool({ servers: [set("web-1", "drain", { stateOwner: "roll-42" })] }))).toEqual([
      "bad: No server takes requests: web-1 is set to drain by “roll-42”. Set web-1 to ready, if nobody is at work on it.",
    ]);
  });

  test("some down and the others taken out are told apart, with what helps either", () => {
    expect(adviceOn(aPool({ servers: [down("web-1", 5), set("web-2", "drain")] }))).toEqual([
      "bad: No server takes requests: web-1 is down (status 503), for 5 s, and web-2 is set to drain. Start or mend what is down, or set web-2 to ready.",
    ]);
  });

  test("where servers register, says that none has, and that it is bad only while requests wait", () => {
    const words = "No server takes requests: none has registered. One that does is used by itself.";
    expect(adviceOn(aPool({ servers: [], queued: 0 }))).toEqual([`warn: ${words}`]);
    expect(adviceOn(aPool({ servers: [], queued: 2 }))).toEqual([`bad: ${words} 2 requests wait for one.`]);
  });

  test("down and taken out at once need both", () => {
    const both = down("web-1", 5, { state: "drain" });
    expect(adviceOn(aPool({ servers: [both] }))).toEqual([
      "bad: No server takes requests: web-1 is down (status 503), for 5 s, and set to drain. Start or mend it, and set it to ready; it is used again by itself once its health checks pass.",
    ]);
    expect(adviceOn(aPool({ servers: [both, down("web-2", 9)] }))[0]).toMatch(
      /web-1 and web-2 are down \(status 503\), the first for 9 s, and web-1 also set to drain\. Start or mend them/,
    );
  });

  test("that were last checked long ago may be up by now, and that is said", () => {
    const old = { lastCheck: { at: ago(300), passed: false, got: "status 503" } };
    expect(adviceOn(aPool({ servers: [down("web-1", 301, old)] }))[0]).toMatch(
      /Without requests nobody checks, so this may be over: the next request tells\. The last check was 5 min ago\.$/,
    );
    expect(adviceOn(aPool({ servers: [down("web-1", 301, { lastCheck: null }), up("b")] }))[0]).toMatch(
      /this may be over: the next request tells\.$/,
    );
  });

  test("all down explain what is refused, waits too long and fails: nobody is told to add slots", () => {
    const recentRefusals = [
      refused("queue-full", 7),
      refused("bad-gateway", 3),
      refused("server-timeout", 2),
      refused("bad-gateway", 2, 5, true),
    ];
    expect(adviceOn(aPool({ servers: [down("web-1", 5)], queued: 9, recentRefusals }))).toEqual([
      "bad: No server takes requests: web-1 is down (status 503), for 5 s. Start or mend it; it is used again by itself once its health checks pass. " +
        "Meanwhile: 7 requests refused lately (queue-full), 3 (bad-gateway) and 2 (server-timeout); 2 deferred requests failed lately (bad-gateway). " +
        "Then retry those that should be done.",
    ]);
  });

  test("refuse, with when_down = refuse, while none is there, and that has the same cause", () => {
    const recentRefusals = [refused("no-server", 12)];
    expect(adviceOn(aPool({ servers: [down("web-1", 5)], recentRefusals }))).toEqual([
      expect.stringMatching(
        /^bad: No server takes requests.*Meanwhile: 12 requests refused lately \(no-server\)\.$/,
      ),
    ]);
  });

  test("some down explain a full and a growing list", () => {
    const servers = [down("web-1", 5), up("web-2")];
    expect(adviceOn(aPool({ servers, recentRefusals: [refused("queue-full", 7)] }))).toEqual([
      "bad: web-1 is down (status 503), for 5 s. The other serves on; look whether it runs and answers its health check. Meanwhile: 7 requests refused lately (queue-full).",
    ]);
    expect(adviceOn(aPool({ servers, queued: 60 }), [], historyOf({ 50: 12, 10: 40 }))).toEqual([
      "warn: web-1 is down (status 503), for 5 s. The other serves on; look whether it runs and answers its health check. Meanwhile the waiting list grows: 12 → 60 within 50 s.",
    ]);
  });

  test("that are back explain what was refused before", () => {
    const servers = [aServer({ name: "web-1", healthSince: ago(12) }), up("web-2")];
    expect(adviceOn(aPool({ servers, recentRefusals: [refused("queue-full", 7, 20)] }))).toEqual([
      "bad: 7 requests refused lately (queue-full): web-1 came back less than a minute ago. Look why it was out of use.",
    ]);
    expect(
      adviceOn(aPool({ servers: [up("web-1")], recentRefusals: [refused("no-server", 7, 40)] })),
    ).toEqual([
      "bad: 7 requests refused lately (no-server): no server was available; by now one is. Look why none was.",
    ]);
  });
});

describe("drains", () => {
  const draining = (changes: Partial<Snapshot> = {}, expiresInS = 900) => {
    const servers = [
      aServer({ leases: [aLease("a", 4)] }),
      aServer({ name: "web-2", leases: [aLease("b", 30)] }),
    ];
    return aPool({ ...drainedBy("admin", expiresInS), state: "draining", inFlight: 2, servers, ...changes });
  };

  test("what is still in flight is waited for, and the longest is named", () => {
    expect(adviceOn(draining())).toEqual([
      "plain: Wait before you deploy: 2 slots still in flight. The longest is on web-2, for 30 s.",
    ]);
  });

  test("slots in quarantine are waited for too, and when they open", () => {
    const servers = [aServer({ leases: [aQuarantinedLease("a", 10, 90)] })];
    const opens = clockInWords(ago(-90), NOW);
    expect(adviceOn(draining({ inFlight: 1, quarantined: 1, servers }))).toEqual([
      `plain: Wait before you deploy: 1 slot still in quarantine, whose server may be at work. It opens by itself at ${opens} at the latest; free it by hand only if you know that the server is idle.`,
    ]);
    expect(adviceOn(draining({ quarantined: 1 }))[0]).toContain(
      "2 slots still in flight, 1 of them in quarantine.",
    );
  });

  test("once drained, it is time for the deploy", () => {
    expect(adviceOn(aPool({ ...drainedBy("admin"), queued: 7 }))).toEqual([
      "plain: Nothing is in flight: now is the time for the deploy. Resume afterwards; 7 requests will go on then.",
    ]);
  });

  test("one that ends soon says so, and what to do if that is too soon", () => {
    expect(adviceOn(aPool(drainedBy("admin", 100)))).toEqual([
      "warn: The drain ends by itself in 1 min 40 s, and requests go to the servers again. Not finished? Extend it.",
    ]);
    expect(adviceOn(draining({}, 100))).toEqual([
      "warn: The drain ends by itself in 1 min 40 s, and may be over before the pool is drained. 2 slots still in flight. The longest is on web-2, for 30 s. Still to deploy? Extend it.",
    ]);
  });

  test("one that a deploy extends all the time is left to that, until it does not", () => {
    expect(adviceOn(aPool(drainedBy("deploy-42", 100)))).toEqual([
      expect.stringMatching(/^plain: Nothing is in/),
    ]);
    expect(adviceOn(aPool(drainedBy("deploy-42", 20)))).toEqual([
      "warn: The drain ends by itself in 20 s, and requests go to the servers again. Not finished? “deploy-42” has to extend it.",
    ]);
  });

  test("servers that are down in one are to be up before it is resumed, and are no failure yet", () => {
    const servers = [down("web-1", 5)];
    expect(adviceOn(aPool({ ...drainedBy("admin"), servers, queued: 7 }))).toEqual([
      "warn: No server takes requests: web-1 is down (status 503), for 5 s. Before you resume: start or mend it; it is used again by itself once its health checks pass.",
      "plain: Nothing is in flight: now is the time for the deploy. Resume afterwards, once a server takes requests; 7 requests will go on then.",
    ]);
    expect(adviceOn(aPool({ ...drainedBy("admin", 60), servers }))[0]).toBe(
      "warn: The drain ends by itself in 1 min, and no server takes requests yet. Not finished by then? Extend it.",
    );
  });

  test("some down in one are to be looked at before it is resumed", () => {
    expect(adviceOn(aPool({ ...drainedBy("admin"), servers: [down("web-1", 5), up("web-2")] }))[0]).toBe(
      "warn: web-1 is down (status 503), for 5 s. Before you resume, look whether it runs and answers its health check.",
    );
  });

  test.each([
    ["queue-full", "the waiting list is full"],
    ["queue-timeout", "they waited longer than queue_timeout"],
    ["deferred-full", "as many requests are stored as may be"],
  ])("requests that one makes too many wait for are to be resumed: %s", (code, reason) => {
    const pool = aPool({ ...drainedBy("admin"), recentRefusals: [refused(code)] });
    const full = `bad: 1 request refused lately (${code}): ${reason} while the pool is drained. Resume as soon as `;
    expect(adviceOn(pool)).toEqual([`${full}you can.`]);
    // Not to be extended at the same time, and not into nothing.
    expect(adviceOn({ ...pool, ...drainedBy("admin", 60) })).toEqual([`${full}you can.`]);
    const [first] = adviceOn({ ...pool, servers: [down("web-1", 5)] });
    expect(first).toBe(`${full}a server takes requests.`);
  });

  test("while one lasts, what is in flight is told to who has to decide", () => {
    expect(adviceOn(draining({ recentRefusals: [refused("queue-full")] }))[0]).toMatch(
      /Resume as soon as you can\. 2 slots still in flight\. The longest is on web-2, for 30 s\.$/,
    );
  });

  test("what piled up in one is not taken for a lack of slots once it is over", () => {
    const resumed: PoolEvent = {
      id: 1,
      at: ago(25),
      kind: "resume",
      owner: "admin",
      by: "admin",
      cause: "resumed",
    };
    expect(adviceOn(aPool({ recentRefusals: [refused("queue-full", 7, 30)] }), [resumed])).toEqual([
      "bad: 7 requests refused lately (queue-full): requests have piled up in the drain that ended 25 s ago. A shorter drain would avoid that.",
    ]);
  });
});

describe("the waiting list", () => {
  test("that grows is told with its numbers", () => {
    expect(adviceOn(aPool({ queued: 60 }), [], historyOf({ 50: 12, 10: 40 }))).toEqual([
      "warn: The waiting list grows: 12 → 60 within 50 s. More comes than the servers finish: add servers or slots, or find out who sends so much.",
    ]);
  });

  test("that stays long is told, with how long each waits", () => {
    const minutes = Object.fromEntries(Array.from({ length: 37 }, (_, n) => [n * 5, 12]));
    const pool = aPool({ queued: 12, oldestWaitMs: 40_000 });
    expect(adviceOn(pool, [], historyOf(minutes, 40_000))).toEqual([
      "warn: The waiting list stays long: for 3 min as many come as go, and each waits 40 s. One more slot would end that.",
    ]);
    const servers = [up("web-1"), set("web-2", "maint")];
    expect(adviceOn({ ...pool, servers }, [], historyOf(minutes, 40_000))[0]).toMatch(
      /Setting web-2 to ready again would end that, or one more slot\.$/,
    );
  });

  test("that piled up in a drain is no news once the pool is resumed", () => {
    const resumed: PoolEvent = {
      id: 1,
      at: ago(25),
      kind: "resume",
      owner: "admin",
      by: "admin",
      cause: "resumed",
    };
    expect(adviceOn(aPool({ queued: 60 }), [resumed], historyOf({ 50: 0, 24: 90 }))).toEqual([]);
    expect(adviceOn(aPool({ queued: 120 }), [resumed], historyOf({ 50: 0, 24: 90 }))).toHaveLength(1);
  });

  test("that piled up in a drain is none in the overview either, which has no events", () => {
    const history = historyOf({ 50: 0 });
    history.addSnapshot(aPool({ ...drainedBy("admin"), queued: 90 }), NOW - 12_000);
    history.addSnapshot(aPool({ queued: 60 }), NOW - 9_000);
    expect(adviceOn(aPool({ queued: 60 }), [], history)).toEqual([]);
  });

  test("of a drained pool is meant to grow", () => {
    const pool = aPool({ ...drainedBy("admin"), queued: 60 });
    expect(adviceOn(pool, [], historyOf({ 50: 0 })).join()).not.toContain("grows");
  });
});

describe("quarantined slots", () => {
  const servers = [
    aServer({ leases: [aLease("a"), aQuarantinedLease("b", 10, 90)], slots: 2, quarantined: 1 }),
    aServer({ name: "web-2", leases: [aQuarantinedLease("c", 10, 30)], quarantined: 1 }),
  ];
  const opens = `The first opens by itself at ${clockInWords(ago(-30), NOW)} at the latest`;

  test("open by themselves, and it is said when the first does", () => {
    expect(adviceOn(aPool({ quarantined: 2, servers }))).toEqual([
      `plain: 2 slots in quarantine: the request was cut off, its server may still be at work. ${opens}; free it by hand only if you know that the server is idle.`,
    ]);
  });

  test("are trouble if there is no other slot, and explain a full list", () => {
    const shut = servers.map((server) => ({ ...server, slots: 1 }));
    expect(
      adviceOn(aPool({ quarantined: 2, servers: shut, recentRefusals: [refused("queue-full")] })),
    ).toEqual([
      `bad: Every slot is in quarantine, so that no request goes to a server: the request was cut off, its server may still be at work. ${opens}; free it by hand only if you know that the server is idle. Meanwhile: 1 request refused lately (queue-full).`,
    ]);
  });

  test("are explained by servers that do not answer in time, as is a full list if they are most of the slots", () => {
    const recentRefusals = [refused("server-timeout", 3), refused("queue-full", 4)];
    const many = [...servers, aServer({ name: "web-3", slots: 4 })];
    expect(adviceOn(aPool({ quarantined: 2, servers: many, recentRefusals }))).toEqual([
      expect.stringMatching(/^bad: 3 requests refused lately \(server-timeout\): servers are silent/),
      "bad: 4 requests refused lately (queue-full): the waiting list is full. Add servers or slots, or raise max_queue.",
    ]);
    expect(adviceOn(aPool({ quarantined: 2, servers, recentRefusals }))).toEqual([
      `bad: 3 requests refused lately (server-timeout) and 4 (queue-full): servers are silent for longer than server_timeout, or work for longer than longest. Look at what they are busy with. 2 slots are in quarantine meanwhile: the first opens by itself at ${clockInWords(ago(-30), NOW)} at the latest; free it by hand only if you know that the server is idle.`,
    ]);
  });
});

describe("refusals", () => {
  const onRefusals = (...recentRefusals: ReturnType<typeof refused>[]) => adviceOn(aPool({ recentRefusals }));

  test("of the last minute are counted by their code", () => {
    expect(onRefusals(refused("queue-full", 7), refused("bad-gateway", 1, 61))).toEqual([
      "bad: 7 requests refused lately (queue-full): the waiting list is full. Add servers or slots, or raise max_queue.",
    ]);
  });

  test("that began long ago say since when", () => {
    const long = { ...refused("queue-full", 3_600), since: ago(3_600) };
    expect(onRefusals(long)[0]).toContain(
      `3,600 requests refused since ${clockInWords(ago(3_600), NOW)} (queue-full): `,
    );
  });

  test("because requests wait too long are no reason for a longer list", () => {
    expect(onRefusals(refused("queue-full"), refused("queue-timeout", 2))).toEqual([
      "bad: 1 request refused lately (queue-full) and 2 (queue-timeout): the waiting list is full, and they waited longer than queue_timeout. Add servers or slots.",
    ]);
  });

  test("while servers are taken out have those as a cure", () => {
    const servers = [up("web-1"), set("web-2", "drain")];
    expect(adviceOn(aPool({ servers, recentRefusals: [refused("queue-full")] }))[0]).toMatch(
      /full\. Set web-2 to ready again, or add servers or slots, or raise max_queue\.$/,
    );
  });

  test("of broken connections, where no server is down, send to the servers' logs", () => {
    expect(onRefusals(refused("bad-gateway", 3))).toEqual([
      "bad: 3 requests refused lately (bad-gateway): servers cannot be reached or break off. Look at the servers and their logs.",
    ]);
  });

  test("of requests that would have been stored have a cure of their own", () => {
    expect(onRefusals(refused("deferred-full"))).toEqual([
      "bad: 1 request refused lately (deferred-full): as many requests are stored as max of deferred allows. Add servers or slots, or raise it.",
    ]);
  });

  test("that clients bring upon themselves are no trouble of the pool", () => {
    expect(onRefusals(refused("client-timeout", 2))).toEqual([
      "plain: 2 requests refused lately (client-timeout): uploads stop for longer than client_timeout. Raise it if the clients are only slow.",
    ]);
  });

  test("of a kind that this page does not know are told all the same", () => {
    expect(onRefusals(refused("teapot"))).toEqual([
      "bad: 1 request refused lately (teapot). See the events.",
    ]);
  });
});

describe("deferred requests", () => {
  const onFailures = (...recentRefusals: ReturnType<typeof refused>[]) =>
    adviceOn(aDeferredPool({ failed: 5 }, { recentRefusals }));

  test("that fail are counted by their code, with what helps", () => {
    expect(onFailures(refused("bad-gateway", 4, 5, true))).toEqual([
      "bad: 4 deferred requests failed lately (bad-gateway): servers cannot be reached or break off. Look at the servers and their logs. Then retry those that should be done.",
    ]);
    expect(onFailures(refused("queue-timeout", 1, 5, true))).toEqual([
      "bad: 1 deferred request failed lately (queue-timeout): they expired before a server became free. Add servers or slots, or raise expires. Then retry those that should be done.",
    ]);
    expect(onFailures(refused("fate-unknown", 1, 5, true), refused("misconfigured", 2, 5, true))).toEqual([
      "bad: 1 deferred request failed lately (fate-unknown): Sluice was interrupted while servers worked on them. Find out what these did. Then retry those that should be done.",
      "bad: 2 deferred requests failed lately (misconfigured). Then retry those that should be done.",
    ]);
  });

  test.each([
    [1, ", stored, will go on then."],
    [5, ", 5 of them stored, will go on then."],
    [7, ", all of them stored, will go on then."],
  ])("of those that go on after a drain, %d are said to be stored", (stored, words) => {
    const pool = aDeferredPool({ queued: stored }, { ...drainedBy("admin"), queued: stored === 1 ? 1 : 7 });
    expect(adviceOn(pool)[0]).toContain(words);
  });
});
