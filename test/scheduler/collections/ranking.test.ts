import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Ranking } from "../../../src/scheduler/collections/ranking.ts";

interface Entry {
  rank: number;
  value: number;
}

const ENTRIES = 12;
const event = fc.oneof(
  fc.record({ what: fc.constant("set" as const), which: fc.nat(ENTRIES - 1), value: fc.nat(20) }),
  fc.record({ what: fc.constant("remove" as const), which: fc.nat(ENTRIES - 1) }),
);

function emptied(ranking: Ranking<Entry>): number[] {
  const values: number[] = [];
  for (let first = ranking.peek(); first; first = ranking.peek()) {
    values.push(first.value);
    ranking.remove(first);
  }
  return values;
}

test("whatever is added, moved and removed, the first is first, and each entry knows whether it is in", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80, size: "max" }), (events) => {
      const ranking = new Ranking<Entry>((a, b) => a.value < b.value);
      const entries = Array.from({ length: ENTRIES }, (): Entry => ({ rank: -1, value: 0 }));
      const inside = new Set<Entry>();
      for (const happens of events) {
        const entry = entries[happens.which] as Entry;
        if (happens.what === "remove") {
          ranking.remove(entry);
          inside.delete(entry);
        } else {
          entry.value = happens.value;
          ranking.set(entry);
          inside.add(entry);
        }
        expect(ranking.size).toBe(inside.size);
        const least = Math.min(...[...inside].map(({ value }) => value));
        expect(ranking.peek()?.value ?? Number.POSITIVE_INFINITY).toBe(least);
        expect(entries.filter(({ rank }) => rank >= 0)).toEqual(entries.filter((one) => inside.has(one)));
      }
      const values = [...inside].map(({ value }) => value).sort((a, b) => a - b);
      expect(emptied(ranking)).toEqual(values);
    }),
  );
});

test("an entry that is in one ranking can be put into another once it is out", () => {
  const [one, other] = [0, 1].map(() => new Ranking<Entry>((a, b) => a.value < b.value)) as [
    Ranking<Entry>,
    Ranking<Entry>,
  ];
  const entries = [3, 1, 2].map((value) => ({ rank: -1, value }));
  for (const entry of entries) one.set(entry);
  const moved = entries[1] as Entry;
  one.remove(moved);
  other.set(moved);
  expect([emptied(one), emptied(other)]).toEqual([[2, 3], [1]]);
});

test("to remove what is not there changes nothing", () => {
  const ranking = new Ranking<Entry>((a, b) => a.value < b.value);
  ranking.set({ rank: -1, value: 1 });
  ranking.remove({ rank: -1, value: 1 });
  expect(ranking.size).toBe(1);
});
