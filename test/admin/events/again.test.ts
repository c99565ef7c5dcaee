import { describe, expect, test } from "vitest";
import { Sluice } from "../../support/sluice.ts";
import { get, IDLE_POOLS, stage } from "../support.ts";
import { drainAndResume, ids, kinds, watch } from "./support.ts";

describe("a watcher that connects again", () => {
  test("gets what is newer than the last event it saw", async () => {
    const { sluice } = await stage();
    await drainAndResume(sluice, 2);
    const watcher = await watch(sluice, 4);
    await watcher.snapshot();
    expect(ids(watcher)).toEqual([5, 6]);
  });

  test("gets the last one too, if it has grown since", async () => {
    const { sluice } = await stage({ server_timeout: "20ms", max_queue: 0, quarantine: { max: "1h" } });
    await get(sluice, "/silent");
    await get(sluice, "/full");
    const before = await watch(sluice);
    await before.snapshot();
    const last = before.events.find((event) => "code" in event && event.code === "queue-full");
    expect(last).toMatchObject({ count: 1 });
    before.leave();
    await get(sluice, "/full");
    const after = await watch(sluice, last?.id);
    await after.next(({ id, data = "" }) => id === String(last?.id) && JSON.parse(data).count === 2);
  });

  test.each(["0", "abc", "-1", "1e3", "999999999999999999999"])(
    "and names an event that nobody knows gets everything: %s",
    async (lastId) => {
      const { sluice } = await stage();
      await drainAndResume(sluice, 1);
      const watcher = await watch(sluice, lastId);
      await watcher.snapshot();
      expect(ids(watcher)).toEqual([1, 2, 3]);
    },
  );

  test("after everything was started anew, on the same storage, goes on where it was", async () => {
    let sluice = await Sluice.start({ pools: IDLE_POOLS });
    await drainAndResume(sluice, 1);
    const before = await watch(sluice);
    await before.snapshot();
    const folder = await sluice.stopKeepingStorage();
    await expect(before.event("quarantine")).rejects.toThrow("the stream ended");
    sluice = await Sluice.start({ pools: IDLE_POOLS, folder });
    try {
      await sluice.drain("web", { reason: "after" });
      const after = await watch(sluice, before.events.at(-1)?.id);
      await after.snapshot();
      expect(after.events).toMatchObject([{ id: 4, kind: "drain", reason: "after" }, { id: 5 }]);
    } finally {
      await sluice.stop();
    }
  });
});

describe("when the pool's object crashes", () => {
  test("the stream stays, no event is lost, and the restart is one", async () => {
    const { sluice, origin } = await stage();
    await drainAndResume(sluice, 1);
    const answer = get(sluice, "/");
    const { response } = await origin.arrival();
    const watcher = await watch(sluice);
    await sluice.crash("web");
    await watcher.event("restart");
    await watcher.snapshot(({ inFlight }) => inFlight === 1);
    response.end();
    expect(await answer).toMatch(/^200/);
    const again = await watch(sluice);
    await again.snapshot();
    for (const one of [watcher, again]) expect(kinds(one)).toEqual(["drain", "drained", "resume", "restart"]);
    expect(watcher.ended).toBe(false);
    expect(watcher.messages.filter(({ event }) => event === "unreachable")).toEqual([]);
  });
});
