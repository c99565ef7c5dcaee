import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { admin } from "../../src/admin/app.ts";
import { cancelDeferred, retryDeferred } from "../../src/admin/deferred.ts";
import type { PoolConfig } from "../../src/config/types.ts";
import type { Env } from "../../src/link/env.ts";
import { TOKEN } from "../support/sluice.ts";
import { BEARER } from "./support.ts";

const POOL = { name: "web" } as PoolConfig;
const ID = "a".repeat(96);

beforeEach(() => {
  vi.stubGlobal("scheduler", { wait: () => Promise.resolve() });
  vi.spyOn(console, "log").mockImplementation(() => {});
  // Node has none.
  Object.assign(crypto.subtle, { timingSafeEqual: () => true });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  Reflect.deleteProperty(crypto.subtle, "timingSafeEqual");
});

/** A request's object that does what it is asked, and whose first answer is lost. */
function losingFirstAnswer(answers: Record<string, unknown[]>): { env: Env; asked: string[] } {
  const asked: string[] = [];
  const call = (name: string) => async () => {
    asked.push(name);
    const answer = answers[name]?.shift();
    if (asked.length === 1) throw new Error("Lost.");
    return answer;
  };
  const stub = new Proxy({}, { get: (_, name) => call(String(name)) });
  const DEFERRED = { idFromString: (id: string) => id, get: () => stub };
  return { env: { DEFERRED } as unknown as Env, asked };
}

describe("where the answer to a retry is lost", () => {
  const again = { code: "deferred", number: 2, place: { place: 3, startsInMs: null } };

  test("a request that is queued by it is told as queued, not as one that has not failed", async () => {
    const status = { state: "queued", place: 3, startsInMs: null };
    const { env, asked } = losingFirstAnswer({ retry: [again, "not-failed"], status: [status] });
    expect(await retryDeferred(env, POOL, ID)).toEqual({
      id: ID,
      state: "queued",
      place: 3,
      estimatedStartAt: null,
    });
    expect(asked).toEqual(["retry", "retry", "status"]);
  });

  test("a request that was not to be tried again is told as that", async () => {
    const status = { state: "answered", place: null, startsInMs: null };
    const { env } = losingFirstAnswer({ retry: ["not-failed", "not-failed"], status: [status] });
    await expect(retryDeferred(env, POOL, ID)).rejects.toMatchObject({ code: "not-failed", status: 409 });
  });
});

test("where the answer to a cancellation is lost, the request is canceled all the same", async () => {
  for (const [again, forget] of [
    ["forgotten", true],
    ["canceled", false],
  ] as const) {
    const { env } = losingFirstAnswer({ cancel: ["canceled", again] });
    expect(await cancelDeferred(env, POOL, ID, forget)).toBe(again);
  }
});

describe("where the answer to a drain is lost that another one was in the way of, and that has ended since,", () => {
  const snapshot = { name: "web", state: "running", drain: null };
  const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];

  test.each(["drain", "resume"])("the %s is refused in words that need no drain", async (act) => {
    const refused = async () => ({ answer: "drain-held", snapshot });
    const env = {
      ADMIN_TOKEN: TOKEN,
      POOLS: { web: { servers } },
      POOL: { getByName: () => ({ [act]: refused }) },
    };
    const path = `/_sluice/api/pools/web/${act}`;
    const ctx = { waitUntil: () => {} } as unknown as ExecutionContext;
    const response = await admin.request(path, { method: "POST", headers: BEARER, body: "{}" }, env, ctx);
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({
      code: "drain-held",
      detail: "Another drain was on, and has ended meanwhile.",
      drain: null,
    });
  });
});
