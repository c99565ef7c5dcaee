import { expect, test } from "vitest";
import { findingsOf, here, told, toml, web } from "./support.ts";

test("slow_start is warned of where the balance takes no weights", () => {
  const text = web('balance = "first"\nslow_start = "30s" # here');
  expect(findingsOf(text)).toMatchObject([
    {
      severity: "warning",
      key: "vars.POOLS.web.slow_start",
      line: here(text),
      message: expect.stringContaining('balance = "first" takes no weights'),
    },
  ]);
});

test.each(["roundrobin", "leastconn", "random", "hash:cookie:sid"])(
  "it may be with balance = %j",
  (balance) => {
    expect(told(web(`balance = "${balance}"\nslow_start = "30s"`))).toEqual([]);
  },
);

const withWeights = (...weights: number[]) => {
  const servers = weights.map((weight, n) => {
    return `{ name = "web-${n}", url = "https://web-${n}.example.com", weight = ${weight} }`;
  });
  return toml(`[vars.POOLS.web]\nservers = [${servers.join(", ")}]`);
};

test("a pool is warned of in which no server has a weight", () => {
  expect(findingsOf(withWeights(0, 0))).toMatchObject([
    { severity: "warning", key: "vars.POOLS.web.servers", message: expect.stringContaining("weight 0") },
  ]);
  expect(told(withWeights(0, 1))).toEqual([]);
});
