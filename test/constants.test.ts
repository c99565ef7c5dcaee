/** Numbers that stand in one file each, and are right only beside each other. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { drainBody } from "../src/admin/bodies.ts";
import { ownerName } from "../src/cli/context.ts";
import { parseDuration } from "../src/config/units.ts";
import { RENEW_MS } from "../src/link/protocol.ts";
import { backoffMs, TICKET_PAUSE } from "../src/link/reach.ts";
import { settingsOf } from "../src/pool/settings.ts";
import { Refusal } from "../src/refusals/refusal.ts";
import { LEASE_TTL_MS } from "../src/scheduler/fleet/leases.ts";
import { QueueRecord } from "../src/scheduler/record/queue-history.ts";
import { LEAST_MS } from "../src/scheduler/retry-times.ts";
import { FailedServer } from "../src/scheduler/waiting/failed-server.ts";
import { LONGEST_PAUSE_MS, Regroup } from "../src/scheduler/waiting/regroup.ts";
import { cloudflareAnswer } from "../src/servers/cloudflare-answer.ts";
import { poolOf } from "./config/support.ts";

const ROOT = join(import.meta.dirname, "..");
const textOf = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** Of a constant that is nobody else's business, as its file says it: a number, or a product of numbers. */
function constant(file: string, name: string): number {
  const [, given = ""] = new RegExp(`\\bconst ${name} = ([\\d_ *.]+);`).exec(textOf(`src/${file}`)) ?? [];
  if (given === "") throw new Error(`src/${file} has no constant ${name} that is a plain number`);
  return given.split("*").reduce((product, factor) => product * Number(factor.replaceAll("_", "")), 1);
}

/** The longest pause before the object is asked again. */
const longestBackoffMs = backoffMs(50, undefined, () => 1);

/** Cloudflare's, as of 2026-11: developers.cloudflare.com/workers/platform/limits. */
const PLATFORM = {
  /** An invocation may go on for so long after its client has left. */
  afterClientLeftMs: 30_000,
  /** Connections of one invocation, or object, that wait for headers. */
  connections: 6,
  /** Of one invocation, on the free plan. */
  subrequests: 50,
  /** Of an isolate. */
  memory: 128 * 1024 * 1024,
};

describe("a lease", () => {
  test("outlives the loss of a renewal: the one after it comes in time", () => {
    expect(2 * RENEW_MS).toBeLessThan(LEASE_TTL_MS);
  });

  test("that has ended is told as long as its invocation can live without its client, and no longer", () => {
    const lastTryMs = constant("link/endings.ts", "REPEAT_MS") + longestBackoffMs;
    expect(lastTryMs).toBeLessThan(PLATFORM.afterClientLeftMs);
    expect(lastTryMs).toBeGreaterThan(0.9 * PLATFORM.afterClientLeftMs);
  });
});

describe("a page that waits", () => {
  const missedMs = constant("proxy/waiting-room.ts", "VISITOR_MS");
  const lateMs = 5_000;

  test("is seen in time, by reloads that a server at work holds as long as it may", () => {
    const betweenMs = 1_000 * constant("proxy/waiting-page.ts", "LATEST_S");
    const heldMs = constant("proxy/waiting-room.ts", "HOLD_MS");
    expect(betweenMs + heldMs + lateMs).toBeLessThan(missedMs);
  });

  test("and was closed in another tab is not given up: this one's stream shows in time that it is still there", () => {
    const pauseMs = constant("requests/status-events.ts", "LONGEST_PAUSE_MS");
    expect(1.5 * pauseMs).toBeLessThan(constant("deferred/presence.ts", "COMES_BACK_MS"));
  });

  test("hears from its stream before it asks anew", () => {
    const text = textOf("src/proxy/waiting-page.script.js");
    const [, nextMs = ""] = /\[FIRST_MS, NEXT_MS\] = \[[\d_]+, ([\d_]+)\]/.exec(text) ?? [];
    const quietMs = constant("requests/status-events.ts", "SILENCE_MS");
    const pauseMs = constant("requests/status-events.ts", "LONGEST_PAUSE_MS");
    expect(2 * (quietMs + pauseMs)).toBeLessThan(Number(nextMs.replaceAll("_", "")));
  });
});

describe("a ticket", () => {
  const noticeMs = constant("pool/pending-answers.ts", "NOTICE_MS");
  const latestNoticeMs = noticeMs + constant("pool/notices.ts", "STEP_MS");

  test("has its token long before a request without one would be refused for an object out of reach", () => {
    expect(2 * latestNoticeMs).toBeLessThan(constant("link/acquire.ts", "UNREACHABLE_MS"));
  });

  test("that only waits until all are back after a restart has its slot before it would be told a token", () => {
    const regroup = new Regroup(0, true);
    regroup.returned(0, LONGEST_PAUSE_MS);
    expect(regroup.endsAt).toBeLessThanOrEqual(noticeMs);
  });

  test("is back within the pauses that the regroup after a restart waits for", () => {
    expect(backoffMs(50, TICKET_PAUSE.longestPauseMs, () => 1)).toBe(LONGEST_PAUSE_MS);
    // Told so, it waits for one that pauses as long.
    const regroup = new Regroup(0, false);
    regroup.returned(0, LONGEST_PAUSE_MS);
    expect(regroup.endsAt).toBeGreaterThanOrEqual(2 * LONGEST_PAUSE_MS);
  });

  test("that tries again waits out the whole of its longest backoff before the server that failed it rests no more", () => {
    const failed = new FailedServer({ server: "a", restMs: longestBackoffMs, avoid: false }, 0);
    failed.tick(longestBackoffMs - 1);
    expect(failed.rests).toBe(true);
  });
});

describe("servers are looked after", () => {
  const attentionMs = constant("scheduler/fleet/checks.ts", "ATTENTION_MS");

  test("for as long as a roll waits for them, which says so again in time", () => {
    expect(2 * constant("cli/roll/roll-server.ts", "WAKE_CHECKS_EVERY_MS")).toBeLessThan(attentionMs);
  });

  test("with no more questions, late answers included, than an object may have connections", () => {
    const questions = constant("scheduler/fleet/checks.ts", "MOST_QUESTIONS");
    expect(questions + constant("pool/asker.ts", "MOST_LATE")).toBeLessThanOrEqual(PLATFORM.connections);
  });

  test("by checks that say of a server that is down that it is, before that is stale", () => {
    const servers = [{ name: "a", url: "http://a.example" }];
    const { check } = poolOf({ web: { servers, check: { path: "/up" } } }, "web");
    const everyMs = (check?.intervalMs ?? Number.NaN) + (check?.timeoutMs ?? Number.NaN);
    expect(2 * everyMs).toBeLessThan(constant("scheduler/fleet/health.ts", "STALE_MS"));
  });

  test("and a check whose time is up is heard before its slot is closed for good measure", () => {
    const graceMs = constant("scheduler/fleet/checks.ts", "CHECK_GRACE_MS");
    expect(graceMs).toBeGreaterThan(constant("pool/group-commit.ts", "LATER_MS"));
  });
});

describe("a pool without its configuration", () => {
  test("takes no server to be idle before any configuration could", () => {
    const { settings } = settingsOf({}, "web");
    const longestMs = parseDuration("24h") ?? Number.NaN;
    expect(parseDuration(`${longestMs + 1}ms`)).toBeUndefined();
    const { maxMs, brokenMs, cancelMs } = settings.quarantine;
    const { serverTimeout, queueTimeoutMs, cooldownMs } = settings;
    for (const ms of [maxMs, brokenMs, cancelMs, serverTimeout.firstByteMs, queueTimeoutMs, cooldownMs]) {
      expect(ms).toBeGreaterThanOrEqual(longestMs);
    }
  });
});

describe("who asks the admin side is answered before he gives up:", () => {
  const patienceMs = constant("admin/ask-pool.ts", "PATIENCE_MS") + longestBackoffMs;
  const briefMs = constant("admin/ask-pool.ts", "BRIEF_IN_ALL_MS");

  test.each(["cli/client/admin-client.ts", "dashboard/page/api.ts"])("%s", (client) => {
    expect(patienceMs).toBeLessThan(constant(client, "PATIENCE_MS"));
  });

  test("the page that asks again and again, and Prometheus after 10 s", () => {
    expect(constant("admin/ask-pool.ts", "BRIEF_MS")).toBeLessThan(briefMs);
    expect(briefMs).toBeLessThan(constant("dashboard/page/api.ts", "POLL_PATIENCE_MS"));
    expect(briefMs).toBeLessThan(10_000);
  });

  test("with the wrong token, too", () => {
    const pausesMs = 10 * constant("admin/sign-in/wrong-tokens.ts", "PAUSE_MS");
    expect(pausesMs).toBeLessThan(constant("dashboard/page/api.ts", "POLL_PATIENCE_MS"));
  });
});

describe("a stream of events", () => {
  const lookMs = constant("admin/events/event-stream.ts", "LOOK_MS");
  const quietMs = constant("admin/events/event-stream.ts", "QUIET_MS");
  const askEveryMs = constant("admin/events/feed.ts", "ASK_EVERY_MS");

  test("says something at least as often as the page expects while all is well", () => {
    expect(quietMs + lookMs).toBeLessThan(constant("dashboard/page/model.ts", "BEAT_MS"));
  });

  test("says something before the page takes it for dead, be the object ever so slow", () => {
    // A look waits for itself, and as long again for the object.
    expect(quietMs + 2 * lookMs).toBeLessThan(constant("dashboard/page/feed.ts", "SILENCE_MS"));
    expect(2 * quietMs).toBeLessThan(constant("dashboard/page/feed.ts", "SILENCE_MS"));
  });

  test("finds something new with each look: the pool was asked meanwhile, and its snapshot made anew", () => {
    expect(lookMs).toBeGreaterThan(askEveryMs);
    expect(askEveryMs).toBeGreaterThan(constant("pool/lookout.ts", "SNAPSHOT_MS"));
  });

  test("ends before its invocation has used up its subrequests", () => {
    expect(constant("admin/events/pool-watch.ts", "MOST_SESSIONS")).toBeLessThan(PLATFORM.subrequests);
  });

  test("brings the page as much of the waiting list's history as it keeps", () => {
    const keptMs = constant("dashboard/page/history.ts", "KEPT_MS");
    const stepMs = new QueueRecord(0).read(0).stepMs;
    const { queued } = new QueueRecord(0).read(10 * keptMs);
    expect(queued.length * stepMs).toBe(keptMs);
  });
});

describe("what the page and the command say of themselves is what the admin side takes:", () => {
  test("an overview that is asked for as often as it is expected to come", () => {
    // By a clock that rings each second.
    const everyMs = constant("dashboard/page/main.ts", "ALL_MS") + 1_000;
    expect(everyMs).toBeLessThan(constant("dashboard/page/model.ts", "BEAT_MS"));
  });

  test("the longest owner that the command makes up", () => {
    const owner = ownerName("x".repeat(1_000));
    expect(owner.length).toBeGreaterThan(100);
    expect(drainBody.safeParse({ owner }).success).toBe(true);
    expect(drainBody.safeParse({ owner: `${owner}x` }).success).toBe(false);
  });

  test("every status with which Cloudflare answers in a server's place is one on the way to the command", () => {
    const [, given = ""] =
      /const ON_THE_WAY = new Set\(\[([^\]]+)\]/.exec(textOf("src/cli/client/failures.ts")) ?? [];
    const onTheWay = given.split(",").map(Number);
    const cloudflares = Array.from({ length: 100 }, (_, n) => 500 + n).filter((status) =>
      cloudflareAnswer(new Response("", { status, headers: { server: "cloudflare" } })),
    );
    expect(cloudflares.length).toBeGreaterThan(5);
    expect(onTheWay).toEqual(expect.arrayContaining(cloudflares));
  });
});

describe("memory", () => {
  const [buffered, held] = [
    constant("carry/memory.ts", "MOST_BUFFERED"),
    constant("carry/memory.ts", "MOST_HELD"),
  ];

  test("that bodies hold, and as much again on its way, is no more than an isolate has", () => {
    expect(buffered).toBeLessThan(held);
    expect(2 * held).toBeLessThanOrEqual(PLATFORM.memory);
  });

  test("that one reader of a WebSocket may be behind leaves room for others", () => {
    expect(2 * constant("carry/websocket/backlog.ts", "MOST_BYTES")).toBeLessThanOrEqual(buffered);
  });

  test("that a buffer may be given in the configuration is no more than all bodies may hold", () => {
    const servers = [{ name: "a", url: "http://a.example" }];
    const withBuffer = (bytes: number) => () =>
      poolOf({ web: { servers, buffer_request: `${bytes}B`, buffer_response: `${bytes}B` } }, "web");
    expect(withBuffer(held)).not.toThrow();
    expect(withBuffer(held + 1)).toThrow();
  });
});

test("the document of the protocol says for how long calls are repeated as it is", () => {
  const text = textOf("docs/protocol.md");
  const seconds = (ms: number) => `${ms / 1_000} s`;
  expect(text).toContain(`| the end of a lease | ${seconds(constant("link/endings.ts", "REPEAT_MS"))};`);
  expect(text).toContain(`told nothing yet | ${seconds(constant("link/acquire.ts", "UNREACHABLE_MS"))},`);
  expect(text).toContain(`| the admin side | ${seconds(constant("admin/ask-pool.ts", "PATIENCE_MS"))},`);
  expect(text).toContain(`${LONGEST_PAUSE_MS} ms for tickets and to ${seconds(longestBackoffMs)} for others`);
});

test("tests and benchmarks run on the runtime's version and flags that are deployed", () => {
  const [date] = /^compatibility_date = ("[^"]+")/m.exec(textOf("wrangler.toml"))?.slice(1) ?? [];
  const [flags] = /^compatibility_flags = (\[[^\]]*\])/m.exec(textOf("wrangler.toml"))?.slice(1) ?? [];
  for (const file of ["test/support/sluice.ts", "bench/subjects/workerd.ts"]) {
    expect(textOf(file)).toContain(`compatibilityDate = ${date}`);
    expect(textOf(file)).toContain(`compatibilityFlags = ${flags}`);
  }
});

describe("a refused client", () => {
  test("is told the same by a pool that knows nothing better as without the pool's word", () => {
    const said = Object.keys(LEAST_MS).map(
      (code) => new Refusal(code as keyof typeof LEAST_MS, "").retryAfterS,
    );
    expect(said.map((seconds) => (seconds as number) * 1_000)).toEqual(Object.values(LEAST_MS));
  });

  test("is told no longer time than is sent to it", () => {
    const outlook = { queued: 0, estimatedWaitMs: null, retryAfterMs: Number.MAX_SAFE_INTEGER };
    const most = new Refusal("queue-full", "", null, { outlook }).retryAfterS;
    expect(constant("scheduler/bookings.ts", "LONGEST_S")).toBe(most);
    expect(constant("scheduler/retry-times.ts", "LONGEST_MS")).toBe((most as number) * 1_000);
    expect(constant("scheduler/bookings.ts", "KEPT_S")).toBeGreaterThan(most as number);
  });
});
