import { describe, expect, test } from "vitest";
import { Lookout } from "../../src/pool/lookout.ts";
import { type Snapshot, snapshotOf } from "../../src/scheduler/snapshot.ts";
import { evenly, never, Played } from "../scheduler/played.ts";

/** A pool, and a watcher who looks at it once a second. */
function watched(played: Played) {
  const { scheduler } = played;
  const lookout = new Lookout((now) => snapshotOf("web", scheduler, now), scheduler, played.now);
  let seen: ReturnType<Lookout["look"]>["seen"] | null = null;
  /** The snapshot, if it is another one. */
  const look = (): Snapshot | null => {
    const news = lookout.look(seen, false, played.now);
    seen = news.seen;
    return news.snapshot === null ? null : JSON.parse(news.snapshot);
  };
  /** All that the watcher sees meanwhile. Requests are changes, which the pool tells of. */
  const play = (seconds: number, gaps = never): Snapshot[] => {
    const all: Snapshot[] = [];
    played.play(seconds, gaps, () => {
      if (gaps !== never) lookout.changed(played.now);
      const snapshot = look();
      if (snapshot) all.push(snapshot);
    });
    return all;
  };
  return { play, changed: () => lookout.changed(played.now) };
}

describe("a watcher", () => {
  test("of a pool that nobody uses sees nothing new, once it is known that nothing comes", () => {
    const { play } = watched(new Played({}));
    expect(play(10).map(({ arrivalsPerSecond }) => arrivalsPerSecond)).toEqual([null, 0]);
    expect(play(3_600)).toEqual([]);
  });

  test("sees that no requests come any more, though nothing happens, and is left alone after that", () => {
    const { play } = watched(new Played({ servers: 10 }));
    expect(play(60, evenly(5)).at(-1)?.arrivalsPerSecond).toBe(5);
    const after = play(10);
    expect(after.at(-1)).toMatchObject({ arrivalsPerSecond: 0, grantsPerSecond: 0 });
    // Times of servers are forgotten after ten minutes.
    expect(play(900).at(-1)).toMatchObject({ waitMs: null, serviceMs: null });
    expect(play(3_600)).toEqual([]);
  });

  test("of a drained pool sees how much time is left, though nobody waits", () => {
    const played = new Played({ queue_timeout: "1h" });
    const { play, changed } = watched(played);
    play(60);
    played.drain(600_000);
    changed();
    expect(play(3).map(({ timeLeft }) => timeLeft?.ms)).toEqual([599_000, 598_000, 597_000]);
  });
});
