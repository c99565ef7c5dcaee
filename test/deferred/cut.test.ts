import { once } from "node:events";
import { expect, test } from "vitest";
import { useStage } from "../support/stage.ts";
import { Deferrer } from "./support.ts";

const quarantine = { max: "1ms", broken: "1ms" };
const web = { slots: 10, retries: 1, quarantine, deferred: {} };
const stage = useStage({ web, strict: { ...web, retries: 0 } });
const client = new Deferrer(() => stage.sluice);

/** Well below the 10 s in which its object renews the lease. */
const AT_ONCE = { timeout: 8_000 };

/** The drain begins in the request's first second, and is over later than that: it is cut off when it has attached. */
const CUT = { cut: "1500ms", wait: "30s" };

const totals = async (pool: string) => (await stage.sluice.snapshot(pool)).totals;

test(
  "a stored request that a drain cuts off is sent again, at once and in its old place, if it may be",
  AT_ONCE,
  async () => {
    const before = await totals("web");
    const id = await client.defer("/repeatable", { method: "PUT" });
    const { request } = await stage.origin.arrival();
    const closed = once(request.socket, "close");
    await stage.sluice.drain("web", CUT);
    const queued = await client.until(id, "queued");
    expect(queued).toMatchObject({ place: 1, attempts: 1 });
    await closed;
    await stage.sluice.resume("web");
    (await stage.origin.arrival()).response.end("done");
    expect(await client.ended(id)).toMatchObject({ state: "answered", attempts: 2 });
    expect(String((await client.response(id)).body)).toBe("done");
    const { retried, refused, abandoned } = await totals("web");
    expect({ retried, refused, abandoned }).toEqual({
      retried: before.retried + 1,
      refused: before.refused,
      abandoned: before.abandoned,
    });
  },
);

test.each([
  ["may not be sent twice", "POST", "web"],
  ["has no retry left", "PUT", "strict"],
])("one that %s fails at once: what its server has done is unknown", AT_ONCE, async (_, method, pool) => {
  const headers = { Host: `${pool}.test` };
  const id = await client.defer("/once", { method, headers });
  await stage.origin.arrival();
  await stage.sluice.drain(pool, CUT);
  expect(await client.ended(id)).toMatchObject({
    state: "failed",
    problem: {
      code: "fate-unknown",
      detail: "An operator ended it while a server worked on it, and it may not be sent twice.",
    },
  });
  await stage.sluice.resume(pool);
  const line = await stage.sluice.logged(
    ({ path, method: logged, deferred, attempts }) =>
      path === "/once" && logged === method && deferred === true && attempts === 1,
  );
  expect(line).toMatchObject({ code: "fate-unknown", outcome: "cut-off" });
});
