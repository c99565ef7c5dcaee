import { beforeEach, describe, expect, test } from "vitest";
import type { PoolEvent } from "../../../src/scheduler/record/events.ts";
import { Journal } from "../../../src/scheduler/record/journal.ts";

const at = (ms: number) => new Date(ms).toISOString();
const refusal = { kind: "refusal", code: "queue-full" } as const;
const up = (server: string) => ({ kind: "server-up", server }) as const;
const quarantine = (server: string, lease: string) =>
  ({ kind: "quarantine", server, lease, cause: "client" }) as const;

let journal: Journal;
beforeEach(() => {
  journal = new Journal();
});

/** All that is kept, as somebody who knows nothing is told. */
function told(now = 1_000_000): PoolEvent[] {
  journal.take(now);
  return journal.since(-1);
}

describe("an event", () => {
  test("has the next id, and the moment it happened", () => {
    journal.note(up("a"), 1_000);
    journal.note(up("b"), 2_000);
    expect(told()).toEqual([
      { id: 1, at: at(1_000), kind: "server-up", server: "a" },
      { id: 2, at: at(2_000), kind: "server-up", server: "b" },
    ]);
  });

  test("is to be written once, and is told to nobody before", () => {
    journal.note(up("a"), 0);
    expect(journal.since(-1)).toEqual([]);
    expect(journal.take(0).written.map(({ id }) => id)).toEqual([1]);
    expect(journal.take(5_000)).toEqual({ written: [], dropped: [] });
  });

  test("is told once to who remembers how far it was told", () => {
    journal.note(up("a"), 0);
    journal.take(0);
    const { revision } = journal;
    expect(journal.since(revision)).toEqual([]);
    journal.note(up("b"), 0);
    journal.take(0);
    expect(journal.since(revision).map(({ id }) => id)).toEqual([2]);
  });
});

describe("a run of refusals", () => {
  test("is one event, which grows", () => {
    for (let ms = 0; ms < 30_000; ms += 10) journal.note(refusal, ms);
    expect(told()).toEqual([{ id: 1, at: at(0), ...refusal, count: 3_000, until: at(29_990) }]);
  });

  test("ends after 10 s without one", () => {
    journal.note(refusal, 0);
    journal.note(refusal, 9_999);
    journal.note(refusal, 19_999);
    expect(told().map(({ id, count }) => [id, count])).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });

  test("of one code does not end with one of another", () => {
    for (let ms = 0; ms < 1_000; ms += 10) {
      journal.note(refusal, ms);
      journal.note({ kind: "refusal", code: "queue-timeout" }, ms);
    }
    expect(told().map(({ count }) => count)).toEqual([100, 100]);
  });

  test("is written, and told, at most once a second", () => {
    const written: number[] = [];
    for (let ms = 0; ms <= 5_000; ms += 10) {
      journal.note(refusal, ms);
      if (journal.take(ms).written.length > 0) written.push(ms);
    }
    expect(written).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000]);
  });

  test("is never told as it is not yet written", () => {
    journal.note(refusal, 0);
    journal.take(0);
    journal.note(refusal, 10);
    journal.take(20);
    expect(journal.since(-1)).toMatchObject([{ count: 1, until: at(0) }]);
    journal.take(1_000);
    expect(journal.since(-1)).toMatchObject([{ count: 2, until: at(10) }]);
  });
});

test("a run of quarantines is one event a server and cause, and names the latest lease", () => {
  journal.note(quarantine("a", "1"), 0);
  journal.note(quarantine("b", "2"), 1);
  journal.note(quarantine("a", "3"), 2);
  journal.note({ ...quarantine("a", "4"), cause: "timeout" }, 3);
  expect(told().map(({ id, at: _, until, ...rest }) => ({ ...rest, until }))).toEqual([
    { ...quarantine("a", "3"), count: 2, until: at(2) },
    { ...quarantine("b", "2"), count: 1, until: at(1) },
    { ...quarantine("a", "4"), cause: "timeout", count: 1, until: at(3) },
  ]);
});

describe("the list", () => {
  test("keeps the last 200", () => {
    for (let n = 1; n <= 100; n++) {
      journal.note(up("a"), n);
      journal.note({ kind: "server-down", server: "a", cause: "checks" }, n);
      journal.note({ kind: "drained" }, n);
    }
    expect(told().map(({ id }) => id)).toEqual(Array.from({ length: 200 }, (_, n) => n + 101));
  });

  test("is not emptied of everything else by a flood of one kind", () => {
    journal.note({ kind: "drained" }, 0);
    for (let n = 1; n <= 1_000; n++) journal.note(quarantine(`server-${n}`, "x"), n);
    const events = told();
    expect(events).toHaveLength(200);
    expect(events[0]).toMatchObject({ id: 1, kind: "drained" });
    expect(events[1]).toMatchObject({ id: 803, server: "server-802" });
  });

  test("has what it dropped taken out of the ledger too, unless it never came in", () => {
    const written = new Set<number>();
    for (let n = 1; n <= 1_000; n++) {
      journal.note(up("a"), n);
      if (n % 7 !== 0 && n < 1_000) continue;
      const changes = journal.take(n);
      for (const { id } of changes.written) written.add(id);
      for (const id of changes.dropped) expect(written.delete(id), `${id} was written`).toBe(true);
    }
    expect([...written]).toEqual(journal.since(-1).map(({ id }) => id));
  });
});

describe("after a restart", () => {
  test("ids go on, and what was told comes first", () => {
    journal.note(up("a"), 0);
    journal.note(up("b"), 0);
    journal = new Journal(structuredClone(told()));
    journal.note(up("c"), 10);
    expect(told().map((event) => [event.id, "server" in event && event.server])).toEqual([
      [1, "a"],
      [2, "b"],
      [3, "c"],
    ]);
  });

  test("a run goes on where it was, and not for longer than before", () => {
    journal.note(refusal, 0);
    journal = new Journal(structuredClone(told(0)));
    journal.note(refusal, 9_000);
    journal = new Journal(structuredClone(told(11_000)));
    journal.note(refusal, 19_000);
    expect(told().map(({ id, count }) => [id, count])).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });
});
