import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WaitingList } from "../../../src/scheduler/waiting/waiting-list.ts";

const TIMEOUT_MS = 1_000;

function listOf(seqs: number[]): WaitingList {
  const list = new WaitingList(TIMEOUT_MS);
  for (const seq of seqs) list.add(`t${seq}`, seq, seq);
  return list;
}

function shiftAll(list: WaitingList): number[] {
  const order: number[] = [];
  for (let next = list.shift(); next; next = list.shift()) order.push(next.seq);
  return order;
}

describe("the waiting list", () => {
  test("serves by place, in whatever order tickets come back, without those who left", () => {
    const tickets = fc.uniqueArray(fc.nat(10_000), { maxLength: 300 });
    fc.assert(
      fc.property(tickets, fc.array(fc.nat()), (seqs, leavers) => {
        const list = listOf(seqs);
        const gone = new Set(leavers.map((n) => seqs[n % (seqs.length || 1)]));
        for (const seq of gone) list.leave(`t${seq}`);
        const left = seqs.filter((seq) => !gone.has(seq)).sort((a, b) => a - b);
        expect(list.length).toBe(left.length);
        expect(list.head()?.seq).toBe(left[0]);
        expect(shiftAll(list)).toEqual(left);
        expect(list.length).toBe(0);
      }),
    );
  });

  test("leaving twice, or without having come, changes nothing", () => {
    const list = listOf([1, 2]);
    expect(list.leave("t1")?.seq).toBe(1);
    expect(list.leave("t1")).toBeUndefined();
    expect(list.leave("nobody")).toBeUndefined();
    expect(shiftAll(list)).toEqual([2]);
  });

  test("gives up those who have waited their time, and only those", () => {
    const list = new WaitingList(TIMEOUT_MS);
    list.add("late", 1, 500);
    list.add("soon", 2, 100);
    expect(list.nextDeadline()).toBe(1_100);
    expect(list.takeExpired(1_099)).toBeUndefined();
    expect(list.takeExpired(1_100)?.id).toBe("soon");
    expect(list.takeExpired(1_100)).toBeUndefined();
    expect(list.nextDeadline()).toBe(1_500);
    expect(shiftAll(list)).toEqual([1]);
    expect(list.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test("lets 100,000 enter, half of them leave from the middle, and serves the rest in order", () => {
    const list = listOf(Array.from({ length: 100_000 }, (_, n) => n));
    for (let n = 99_999; n > 0; n -= 2) list.leave(`t${n}`);
    expect(list.length).toBe(50_000);
    expect(shiftAll(list)).toEqual(Array.from({ length: 50_000 }, (_, n) => 2 * n));
  });
});
