import { describe, expect, test } from "vitest";
import { CHECK, findingsOf, here, told, web } from "./support.ts";

const PATH = "vars.POOLS.web.priorities";
const list = (...entries: string[]) => `priorities = [${entries.map((one) => `{ ${one} }`).join(", ")}]`;

describe("a priority that no request gets is warned of, at its line:", () => {
  test.each([
    ['header = "x-plan", value = "gold"', 'header = "X-Plan", value = "gold"'],
    ['header = "x-plan"', 'header = "x-plan", value = "gold"'],
    ['path_prefix = "/api"', 'path_prefix = "/api/v2"'],
    ['method = "POST"', 'method = "POST", cookie = "plan"'],
    ['path_prefix = "/"', 'path_prefix = "/batch/", method = "GET", header = "x-a"'],
  ])("behind { %s } stands { %s }", (one, other) => {
    const text = web(
      `${list('method = "PURGE", ahead = "1s"', `${one}, ahead = "1m"`, `${other}, ahead = "2m"`)} # here`,
    );
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: `${PATH}[2]`,
        line: here(text),
        message: "has no effect: the first that matches counts, and priorities[1] matches before",
      },
    ]);
  });

  test("its path is that of another pool", () => {
    const keys = `path_prefix = ["/api/", "/reports/"]\n${list('path_prefix = "/batch/", ahead = "1m"')}`;
    expect(told(web(keys))).toEqual([
      `warning ${PATH}[0].path_prefix: "/batch/" is never asked for: this pool gets only requests whose path begins with "/api/" or "/reports/"`,
    ]);
  });
});

test.each([
  ['header = "x-plan", value = "gold"', 'header = "x-plan"'],
  ['header = "x-plan", value = "gold"', 'header = "x-plan", value = "silver"'],
  ['header = "plan"', 'cookie = "plan"'],
  ['cookie = "plan"', 'cookie = "Plan"'],
  ['path_prefix = "/api/"', 'path_prefix = "/api"'],
  ['path_prefix = "/api/", method = "GET"', 'path_prefix = "/api/"'],
  ['method = "GET"', 'path_prefix = "/"'],
])("behind { %s } may stand { %s }", (one, other) => {
  expect(told(web(list(`${one}, ahead = "1m"`, `${other}, ahead = "-0s"`)))).toEqual([]);
});

describe("ahead", () => {
  const saidOf = (ahead: string, more = "") =>
    told(web(`queue_timeout = "3m"\n${more}\n${list(`method = "GET", ahead = "${ahead}"`)}`));

  test("is warned of where others may be refused before their turn", () => {
    expect(saidOf("3m")).toEqual([
      `warning ${PATH}[0].ahead: 3m is no shorter than queue_timeout, 3m: others may be refused before their turn, while enough come that go first`,
    ]);
    expect(saidOf("179s")).toEqual([]);
  });

  test("is warned of where it leaves such a request no time, unless requests are stored", () => {
    expect(saidOf("-1h")).toEqual([
      `warning ${PATH}[0].ahead: -1h is no shorter than queue_timeout, 3m: it may be refused before its turn, while enough come that go first`,
    ]);
    expect(saidOf("-1h", `${CHECK}\ndeferred = {}`)).toEqual([]);
    expect(saidOf("-179s")).toEqual([]);
  });
});
