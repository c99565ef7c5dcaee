import { describe, expect, test } from "vitest";
import { CHECK, findingsOf, here, SERVER, told, toml, web } from "./support.ts";

describe("flow", () => {
  test("is warned of where one client may fill the waiting list", () => {
    const text = web('flow = "address" # here');
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: "vars.POOLS.web.flow",
        line: here(text),
        message:
          "without max_queue_per_flow one client may fill max_queue, 1000, and all others are refused then; set max_queue_per_flow to a part of it",
      },
    ]);
  });

  test.each([
    [1000, 1000],
    [2000, 500],
  ])("is warned of with max_queue_per_flow = %i and max_queue = %i", (perFlow, all) => {
    const text = web(`flow = "header:x-api-key"\nmax_queue = ${all}\nmax_queue_per_flow = ${perFlow} # here`);
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: "vars.POOLS.web.max_queue_per_flow",
        line: here(text),
        message: `${perFlow} lets one client fill max_queue, ${all}, and all others are refused then; set max_queue_per_flow to a part of it`,
      },
    ]);
  });

  test.each([
    'flow = "address"\nmax_queue_per_flow = 999',
    'flow = "cookie:sid"\nmax_queue_per_flow = 1\nmax_queue = 2',
    'flow = "address"\nmax_queue = 0',
    "max_queue = 10",
  ])("may be with %j", (keys) => {
    expect(told(web(keys))).toEqual([]);
  });
});

describe("max_in_flight_per_flow", () => {
  const FLOW = 'flow = "address"\nmax_queue_per_flow = 10';
  const withSlots = (keys: string) =>
    toml(
      `[vars.POOLS.web]\nservers = [${SERVER}, { name = "b", url = "https://b.example.com", slots = 3 }]\n${FLOW}\n${keys}`,
    );

  test.each([4, 5])("is warned of with %i, as the pool has no more slots", (most) => {
    expect(told(withSlots(`max_in_flight_per_flow = ${most}`))).toEqual([
      `warning vars.POOLS.web.max_in_flight_per_flow: ${most} has no effect: the pool has 4 slots`,
    ]);
  });

  test("may be less than the slots, and anything where servers register", () => {
    expect(told(withSlots("max_in_flight_per_flow = 3"))).toEqual([]);
    expect(
      told(
        withSlots(
          `${CHECK}\nmax_in_flight_per_flow = 9\nregister = { urls = ["https://*.gpu.example.com"] }`,
        ),
      ),
    ).toEqual([]);
  });
});

test("waiting_page is warned of where requests are refused before", () => {
  const keys = `${CHECK}\ndeferred = {}\nqueue_timeout = "5m"`;
  expect(told(web(`${keys}\nwaiting_page = "5m"`))).toEqual([
    "warning vars.POOLS.web.waiting_page: 5m is never over first: queue_timeout is, after 5m",
  ]);
  expect(told(web(`${keys}\nwaiting_page = "299s"`))).toEqual([]);
});
