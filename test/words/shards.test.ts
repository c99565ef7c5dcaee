import { expect, test } from "vitest";
import { lostShards, shardsNamed, unknownWords } from "../../src/words/shards.ts";
import { shardWith } from "../support/snapshots.ts";

const shards = (...reachable: boolean[]) => reachable.map((is, shard) => shardWith({ shard, reachable: is }));

test("the shards that do not answer are told by their numbers", () => {
  expect(lostShards({ shards: shards(true, false, true, false) })).toEqual([1, 3]);
  expect([shardsNamed([3]), shardsNamed([3, 5])]).toEqual(["shard 3", "shards 3 and 5"]);
});

test("nobody knows what they have, and of the others that is known", () => {
  expect(unknownWords({ shards: shards(true, false) })).toBe("what shard 1 has, which is not reached");
  expect(unknownWords({ shards: shards(false, false) })).toBe(
    "what shards 0 and 1 have, which are not reached",
  );
  expect(unknownWords({ shards: shards(true, true) })).toBeNull();
});

test("a pool that is one object has none of them", () => {
  expect(lostShards({})).toEqual([]);
  expect(unknownWords({})).toBeNull();
});
