import { describe, expect, test } from "vitest";
import { findingsOf, here, PLATFORM_JSON, SERVER, told, toml, web } from "./support.ts";

const bindings = `[[env.blue.durable_objects.bindings]]
name = "POOL"
class_name = "Pool"
[[env.blue.durable_objects.bindings]]
name = "DEFERRED"
class_name = "Deferred"
[env.blue.durable_objects.code_update_strategy]
mode = "immediate"`;
const pools = `[env.blue.vars.POOLS.web]\nservers = [${SERVER}]`;

describe("an environment", () => {
  test("with pools and bindings of its own, which inherits the rest, gives no finding", () => {
    expect(findingsOf(`${web("")}\n${pools}\n${bindings}`)).toEqual([]);
  });

  test("has its pools checked, and is named", () => {
    const text = `${web("")}\n${pools}\nslots = 0 # here\n${bindings}`;
    expect(findingsOf(text)).toMatchObject([
      { severity: "error", key: "env.blue.vars.POOLS.web.slots", line: here(text), environment: "blue" },
    ]);
  });

  test("does not inherit POOLS, which is a warning that says what happens", () => {
    const text = `${web("")}\n[env.blue] # here\nname = "blue"`;
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: "env.blue.vars.POOLS",
        line: here(text),
        environment: "blue",
        message: expect.stringMatching(
          /do not inherit it: after `wrangler deploy --env blue` .* 500 "misconfigured"$/,
        ),
      },
    ]);
  });

  test("does not inherit bindings", () => {
    expect(told(`${web("")}\n${pools}`)).toEqual([
      "error env.blue.durable_objects.bindings: no binding POOL of class Pool, which every request needs (environments do not inherit bindings)",
    ]);
  });

  test("does not tell again what it inherits, and does tell what it changes", () => {
    const text = `${web("").replace("2026-11-17", "2026-01-01")}\n${pools}\n${bindings}`;
    expect(findingsOf(text)).toMatchObject([{ key: "compatibility_date", environment: null }]);
    const own = `${web("")}\n[env.blue]\ncompatibility_date = "2026-01-01" # here\nmigrations = []\n${pools}\n${bindings}`;
    const [date, ...migrations] = findingsOf(own);
    expect(date).toMatchObject({
      key: "env.blue.compatibility_date",
      line: here(own),
      environment: "blue",
    });
    const missing = { key: "env.blue.migrations", line: here(own) + 1, environment: "blue" };
    expect(migrations).toMatchObject([missing, missing]);
  });

  test("may be the only one that has pools", () => {
    const text = `${toml("")}\n${pools}\n${bindings}`;
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: "vars.POOLS",
        environment: null,
        message: expect.stringContaining("`wrangler deploy`"),
      },
    ]);
  });

  test("is found in JSON too", () => {
    const POOLS = { web: { servers: [{ name: "a", url: "https://a.example.com" }] } };
    const text = JSON.stringify({ ...PLATFORM_JSON, vars: { POOLS }, env: { "a.b": { vars: {} }, x: null } });
    expect(told(text, "json")).toEqual([expect.stringContaining('warning env."a.b".vars.POOLS: missing')]);
  });
});
