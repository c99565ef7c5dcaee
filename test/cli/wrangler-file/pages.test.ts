import { describe, expect, test } from "vitest";
import { findingsOf, PLATFORM_JSON, SERVER, told, toml } from "./support.ts";

const POOL = `[vars.POOLS.web]\nservers = [${SERVER}]\n`;

describe("pages", () => {
  test("whose variables are in the file give no finding", () => {
    const vars = '[vars]\nPAGE_BUSY = "<h1>Busy</h1>"\nPROBLEM = \'{ "title": "Busy" }\'\n';
    const pages =
      'pages = { "queue-full" = "PAGE_BUSY", stopped = { html = "PAGE_BUSY", json = "PROBLEM" } }';
    expect(findingsOf(toml(`${vars}${POOL}${pages}`))).toEqual([]);
  });

  test("whose variables are missing, no text or no JSON object are errors at the line of the key", () => {
    const vars = "[vars]\nPAGE = 5\nPROBLEM = 'busy'\n";
    const pages =
      'pages.stopped = "PAGE_NONE"\npages.queue-full = "PAGE"\npages.no-server = { json = "PROBLEM" }';
    const text = toml(`${vars}${POOL}${pages}`);
    const lineOf = (part: string) => text.split("\n").findIndex((line) => line.includes(part)) + 1;
    const told = findingsOf(text).map(({ severity, line, message }) => ({ severity, line, message }));
    expect(told).toEqual([
      {
        severity: "error",
        line: lineOf("pages.stopped"),
        message: 'there is no variable "PAGE_NONE"; set it: PAGE_NONE = "…" in [vars]',
      },
      { severity: "error", line: lineOf("pages.queue-full"), message: 'the variable "PAGE" is not a text' },
      {
        severity: "error",
        line: lineOf("pages.no-server"),
        message: expect.stringContaining('the variable "PROBLEM" is not a JSON object'),
      },
    ]);
  });

  test("need their variables in each environment, which inherits none", () => {
    const pool = { servers: [{ name: "a", url: "https://a.example.com" }], pages: { stopped: "PAGE" } };
    const { durable_objects } = PLATFORM_JSON;
    const vars = { POOLS: { web: pool } };
    const file = {
      ...PLATFORM_JSON,
      vars: { ...vars, PAGE: "<p>" },
      env: { blue: { durable_objects, vars } },
    };
    expect(told(JSON.stringify(file), "json")).toEqual([
      'error env.blue.vars.POOLS.web.pages.stopped: there is no variable "PAGE"; set it: PAGE = "…" in [vars]',
    ]);
  });
});
