import { expect, test } from "vitest";
import { durationLabels } from "../../src/dashboard/page/labels.ts";

test.each([
  [[0, 15, 30, 45], "0 s, 15 s, 30 s, 45 s"],
  [[0, 30, 60, 90], "0 s, 30 s, 60 s, 90 s"],
  [[0, 60, 120], "0 min, 1 min, 2 min"],
  [[0, 1_800, 3_600, 5_400], "0 min, 30 min, 60 min, 90 min"],
  [[0, 7_200], "0 h, 2 h"],
])("durations of %j s are told in one unit without a rest", (seconds, labels) => {
  expect(durationLabels(seconds).join(", ")).toBe(labels);
});
