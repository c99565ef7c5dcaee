import { describe, expect, test } from "vitest";
import { QueueRecord } from "../../../src/scheduler/record/queue-history.ts";

const MINUTE = 60_000;
/** Begins a step. */
const T0 = Date.parse("2026-11-21T09:00:00.000Z");
/** So many ms later. */
const at = (ms: number) => T0 + ms;

function record() {
  const record = new QueueRecord(at(0));
  return {
    note: (queued: number, oldestSince: number | undefined, ms: number) =>
      record.note(queued, oldestSince === undefined ? undefined : at(oldestSince), at(ms)),
    read: (ms: number) => record.read(at(ms)),
  };
}

describe("the record of a waiting list", () => {
  test("of a pool that nothing has happened to is all zero, and as long as it is old", () => {
    expect(record().read(12_000)).toEqual({
      ...{ from: "2026-11-21T09:00:00.000Z", stepMs: 5_000 },
      ...{ queued: [0, 0, 0], oldestWaitMs: [0, 0, 0] },
    });
  });

  test("has of each five seconds the greatest, however short it was", () => {
    const { note, read } = record();
    note(3, 900, 1_000);
    note(9, 900, 1_200);
    note(0, undefined, 1_300);
    note(2, 6_000, 6_000);
    expect(read(7_000)).toMatchObject({ queued: [9, 2], oldestWaitMs: [400, 1_000] });
  });

  test("knows between two changes that all still wait, and for how long", () => {
    const { note, read } = record();
    note(4, 1_000, 2_000);
    expect(read(17_000)).toMatchObject({
      queued: [4, 4, 4, 4],
      oldestWaitMs: [4_000, 9_000, 14_000, 16_000],
    });
    note(0, undefined, 18_000);
    expect(read(21_000)).toMatchObject({
      queued: [4, 4, 4, 4, 0],
      oldestWaitMs: [4_000, 9_000, 14_000, 17_000, 0],
    });
  });

  test("keeps ten minutes, and no more", () => {
    const { note, read } = record();
    for (let second = 0; second < 3_600; second++) note(second, second * 1_000, second * 1_000);
    const { from, queued, oldestWaitMs } = read(3_599_000);
    expect([queued.length, oldestWaitMs.length]).toEqual([120, 120]);
    expect(Date.parse(from)).toBe(at(50 * MINUTE));
    expect([queued[0], queued.at(-1)]).toEqual([3_004, 3_599]);
  });

  test("has nothing left of what was before a long sleep", () => {
    const { note, read } = record();
    for (let second = 0; second < 900; second++) note(50, 0, second * 1_000);
    note(0, undefined, 900_000);
    const { queued, oldestWaitMs } = read(24 * 60 * MINUTE);
    expect([new Set(queued), new Set(oldestWaitMs)]).toEqual([new Set([0]), new Set([0])]);
    expect(queued).toHaveLength(120);
  });

  test("survives a clock that is set back", () => {
    const { note, read } = record();
    note(5, 10_000, 11_000);
    note(7, 9_000, 4_000);
    expect(read(12_000)).toMatchObject({ queued: [0, 0, 7], oldestWaitMs: [0, 0, 3_000] });
  });
});
