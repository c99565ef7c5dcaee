import { describe, expect, test } from "vitest";
import { DURATION_ALLOWED } from "../../src/config/units.ts";
import { parseWeb, problemsOf, web } from "./support.ts";

const FLOWS = '"address", "header:<name>", "cookie:<name>", "query:<name>", such as "header:x-api-key"';
const FLOW = { flow: "address" };

describe.each([
  ["max_queue_per_flow", "maxQueuePerFlow"],
  ["max_in_flight_per_flow", "maxInFlightPerFlow"],
] as const)("%s", (key, is) => {
  test("is no limit when it is left out", () => {
    expect(parseWeb(FLOW)[is]).toBeNull();
  });

  test.each([1, 1_000_000])("takes %j", (given) => {
    expect(parseWeb({ ...FLOW, [key]: given })[is]).toBe(given);
  });

  test.each([
    [0, "0 is out of range; allowed: 1 to 1000000"],
    [1_000_001, "1000001 is out of range; allowed: 1 to 1000000"],
    [1.5, "1.5 is not a whole number; allowed: 1 to 1000000"],
    ["2", '"2" is not a whole number; allowed: 1 to 1000000'],
  ])("refuses %j", (given, says) => {
    expect(problemsOf(web({ ...FLOW, [key]: given }))).toEqual([`POOLS.web.${key}: ${says}`]);
  });

  test("needs the key flow, as without it there are no flows", () => {
    expect(problemsOf(web({ [key]: 7 }))).toEqual([
      `POOLS.web.${key}: 7 is a limit for each flow, and without the key flow there is one for all; allowed: beside flow = ${FLOWS}`,
    ]);
  });
});

describe("waiting_page", () => {
  const given = (text: unknown) => ({ deferred: {}, waiting_page: text });

  test("is none when it is left out", () => {
    expect(parseWeb({ deferred: {} }).waitingPageMs).toBeNull();
  });

  test.each([
    ["1s", 1_000],
    ["24h", 86_400_000],
  ])("takes %j", (text, ms) => {
    expect(parseWeb(given(text)).waitingPageMs).toBe(ms);
  });

  test.each([
    ["999ms", '"999ms" is too short'],
    ["0s", '"0s" is too short'],
    ["25h", '"25h" is not a duration'],
    [5, "5 is not a duration"],
    [true, "true is not a duration"],
  ])("refuses %j", (text, says) => {
    expect(problemsOf(web(given(text)))).toEqual([
      `POOLS.web.waiting_page: ${says}; allowed: ${DURATION_ALLOWED}, at least "1s"`,
    ]);
  });
});
