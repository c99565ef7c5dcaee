import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CrashPlan } from "../support/crash-at.ts";
import { bodyOf, Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { Deferrer, inTurns } from "./support.ts";

/** More writes than either object makes in the life of one request; those that never come are no crash. */
const WRITES = { pool: 14, deferred: 24 };
const KINDS = ["pool", "deferred"] as const;
const WHEN = ["before", "after"] as const;
/** May be sent twice, or may not. */
const METHODS = ["PUT", "POST"] as const;
/** Of more than one row. */
const BODY = randomBytes(600_000);
const DIGEST = createHash("sha256").update(BODY).digest("hex");

type Case = Pick<CrashPlan, "of" | "write" | "when"> & { method: string; pool: string };

const CASES: Case[] = KINDS.flatMap((of) =>
  WHEN.flatMap((when) =>
    METHODS.flatMap((method) =>
      Array.from({ length: WRITES[of] }, (_, n) => ({
        of,
        when,
        method,
        write: n + 1,
        pool: `${of}-${when}-${method}-${n + 1}`,
      })),
    ),
  ),
);

let origin: Origin;
let sluice: Sluice;
/** How often the server got each path, and how often whole. */
const got = new Map<string, number>();
const atWork = new Map<string, number>();
const overlaps: string[] = [];

beforeAll(async () => {
  origin = await Origin.start(async (request, response) => {
    const pool = request.url as string;
    got.set(pool, (got.get(pool) ?? 0) + 1);
    const before = atWork.get(pool) ?? 0;
    if (before > 0) overlaps.push(pool);
    atWork.set(pool, before + 1);
    const digest = createHash("sha256")
      .update(await bodyOf(request))
      .digest("hex");
    await new Promise((resolve) => setTimeout(resolve, 30));
    atWork.set(pool, (atWork.get(pool) ?? 1) - 1);
    response.setHeader("Content-Type", "text/plain");
    response.end(digest);
  });
  const pools = Object.fromEntries(
    CASES.map(({ pool }) => [
      pool,
      {
        hosts: [`${pool.toLowerCase()}.test`],
        servers: [{ name: "s", url: origin.url }],
        quarantine: { max: "300ms" },
        deferred: {},
      },
    ]),
  );
  sluice = await Sluice.start({ pools });
});
afterAll(async () => {
  await sluice.stop();
  await origin.stop();
});

async function live({ pool, method, ...plan }: Case) {
  const client = new Deferrer(() => sluice);
  const headers = { Host: `${pool.toLowerCase()}.test` };
  // The object is there before the crash is planned: its first writes are of no request.
  await sluice.snapshot(pool);
  const planned = `${sluice.url}/__test/crash-at/${pool}`;
  await fetch(planned, { method: "PUT", body: JSON.stringify(plan) });
  const accepted = await client.send(`/${pool}`, { method, body: BODY, headers });
  if (accepted.status !== 202) return { accepted: accepted.status, text: String(accepted.body) };
  const id = client.accepted(accepted);
  const { state, problem } = await client.ended(id);
  const response = await client.response(id);
  const { status } = await client.cancel(id);
  const after = await client.get(id);
  const { hasCrashed } = (await (await fetch(planned)).json()) as CrashPlan;
  return {
    accepted: 202,
    state,
    code: problem?.code,
    body: String(response.body),
    forgotten: [status, after.status],
    hasCrashed,
  };
}

describe("a request is accepted, worked, answered, fetched and forgotten", () => {
  test("though its pool or its own object crashes at any of the writes on the way: none is lost, none is sent twice", async () => {
    const lives = await inTurns(CASES, 16, async (one) => ({ ...one, ...(await live(one)) }));
    // Beyond the last write there is none to crash at: all of them were tried.
    for (const of of KINDS) {
      const all = lives.filter((one) => one.of === of);
      expect(all.filter(({ hasCrashed }) => hasCrashed).length).toBeGreaterThan(30);
      expect(all.filter(({ write, hasCrashed }) => write === WRITES[of] && hasCrashed)).toEqual([]);
    }
    const wrong = lives.filter(({ pool, method, accepted, state, code, body, forgotten }) => {
      const times = got.get(`/${pool}`) ?? 0;
      const isAnswered = accepted === 202 && state === "answered" && body === DIGEST && times >= 1;
      // Nobody may know whether a server did its work: then it must be said, and only where it may not be repeated.
      const isHonest = accepted === 202 && state === "failed" && code === "fate-unknown" && method === "POST";
      const isOnce = method === "PUT" || times <= 1;
      return !((isAnswered || isHonest) && isOnce && String(forgotten) === "204,404");
    });
    expect(wrong).toEqual([]);
    expect(overlaps).toEqual([]);
  });
});
