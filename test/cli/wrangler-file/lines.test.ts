import { describe, expect, test } from "vitest";
import { findingsOf, here, PLATFORM_JSON, SERVER, toml } from "./support.ts";

const list = `servers = [${SERVER}]`;

describe("in TOML a finding stands at the line of its key,", () => {
  test.each([
    ["slots", `[vars.POOLS.web]\n${list}\nslots = 0 # here`],
    ["slots", `[vars.POOLS]\nweb.${list}\nweb.slots = 0 # here`],
    ["slots", `[vars]\nPOOLS.web.${list}\nPOOLS.web.slots = 0 # here`],
    ["slots", `[vars.POOLS]\nweb = { ${list}, slots = 0 } # here`],
    ["slots", `[vars.POOLS]\nweb = {\n  ${list},\n  slots = 0, # here\n}`],
    ["slots", `[vars.POOLS.web]\r\n${list}\r\nslots = 0 # here`.replaceAll("\r\n", "\n")],
    ['"a b"', `[vars.POOLS.web]\n${list}\n"a b" = 0 # here`],
    [
      "servers[1].url",
      `[vars.POOLS.web]\nservers = [\n${SERVER},\n{ name = "b", url = "ftp://b" }, # here\n]`,
    ],
    [
      "servers[0].slots",
      `[vars.POOLS.web]\nservers = [{\nname = "a", url = "http://a",\nslots = 0 # here\n}]`,
    ],
    [
      "servers[1].slots",
      '[[vars.POOLS.web.servers]]\nname = "a"\nurl = "http://a"\n[[vars.POOLS.web.servers]]\nname = "b"\nurl = "http://b"\nslots = 0 # here',
    ],
    ["check.rise", `[vars.POOLS.web.check]\npath = "/"\nrise = 0 # here\n[vars.POOLS.web]\n${list}`],
    ["check.rise", `[vars.POOLS.web]\n${list}\ncheck.path = "/"\ncheck.rise = 0 # here`],
  ])("%s (%#)", (key, tables) => {
    const text = toml(tables);
    expect(findingsOf(text)).toMatchObject([
      { severity: "error", key: `vars.POOLS.web.${key}`, line: here(text) },
    ]);
  });
});

describe("what is missing in TOML is told at the nearest key around it:", () => {
  test.each([
    ["servers", `[vars.POOLS.web] # here\nslots = 1`],
    ["servers", `[vars.POOLS.web.check]\npath = "/"\n[vars.POOLS.web] # here\nslots = 1`],
    ["servers", "[vars.POOLS]\nweb.slots = 1 # here"],
    ["servers[0].url", '[vars.POOLS.web]\nservers = [\n{ name = "a" }, # here\n]'],
    ["servers[0].url", '[[vars.POOLS.web.servers]] # here\nname = "a"'],
    ["check.path", `[vars.POOLS.web]\n${list}\n[vars.POOLS.web.check] # here\nrise = 1`],
  ])("%s (%#)", (key, tables) => {
    const text = toml(tables);
    expect(findingsOf(text)).toMatchObject([
      { message: expect.stringContaining("missing"), key: `vars.POOLS.web.${key}`, line: here(text) },
    ]);
  });
});

function json(pools: string): string {
  const rest = JSON.stringify(PLATFORM_JSON, null, 2).slice(1);
  return `{\n"vars": { "POOLS": ${pools} },\n${rest}`;
}

describe("in JSON a finding stands at the line of its key, or of the nearest around it:", () => {
  test.each([
    ["slots", '{ "web": { "servers": [{ "name": "a", "url": "http://a" }],\n"slots": 0 // here\n} }'],
    ["slots", '{ "web": { "servers": [{ "name": "a", "url": "http://a" }],\n"slots": /* none */\n0, } }'],
    [
      "servers[1].url",
      '{ "web": { "servers": [\n{ "name": "a", "url": "http://a" },\n{ "name": "b" }, // here\n] } }',
    ],
    ["servers", '{\n"web": {} // here\n}'],
  ])("%s (%#)", (key, pools) => {
    const text = json(pools);
    // In the second case the value has a line of its own; the finding is on the line of the key.
    const line = here(text) || text.split("\n").findIndex((one) => one.startsWith('"slots"')) + 1;
    expect(findingsOf(text, "json")).toMatchObject([{ key: `vars.POOLS.web.${key}`, line }]);
  });

  test("with any line ends, and after a byte order mark", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = `\uFEFF${json('{ "web": { "servers": [],\n"slots": 0 } }').replaceAll("\n", end)}`;
      expect(findingsOf(text, "json").map(({ line }) => line)).toEqual([2, 3]);
    }
  });
});

test("errors come before the rest, each in the order of their lines, those of the whole file first", () => {
  const text = `[vars.POOLS.web]\nslots = 0\n${list}\nretries = -1\n[vars.POOLS.api]\n`;
  const lines = findingsOf(text).map(({ severity, line }) => `${severity} ${line}`);
  expect(lines).toEqual([
    ...["error null", "error null", "error null", "error 2", "error 4", "error 5", "error 5"],
    ...["warning null", "warning null"],
  ]);
});

test("errors stand before warnings, each by line and at its own", () => {
  const text = toml(
    '[vars.POOLS.web]\nhosts = ["web.com"]\nservers = [{ name = "a", url = "http://a.com" }]\n' +
      '[vars.POOLS.api]\nhosts = ["api.com"]\nservers = [{ name = "b", url = "https://b.com" }]\nslots = 0 # here',
  );
  expect(findingsOf(text)).toMatchObject([
    { severity: "error", line: here(text) },
    { severity: "warning", line: here(text) - 4 },
  ]);
});
