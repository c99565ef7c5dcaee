import { describe, expect, test } from "vitest";
import { CHECK, findingsOf, here, told, web } from "./support.ts";

/** A valid file with one part replaced. */
function soundBut(part: string | RegExp, instead: string): string {
  const sound = web("");
  const text = sound.replace(part, instead);
  expect(text).not.toBe(sound);
  return text;
}

describe("compatibility_date", () => {
  test.each(["2026-11-16", "2020-01-01", "tomorrow", "2026-11-17T00:00:00Z"])("is not %s", (date) => {
    const text = soundBut('"2026-11-17"', `"${date}" # here`);
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "error",
        key: "compatibility_date",
        line: here(text),
        message: expect.stringContaining(`"${date}"`),
      },
    ]);
  });

  test("must be there", () => {
    expect(told(soundBut(/compatibility_date.*/, ""))).toEqual([
      expect.stringContaining("error compatibility_date: missing"),
    ]);
  });

  test("may be later", () => {
    expect(findingsOf(soundBut("2026-11-17", "2027-02-01"))).toEqual([]);
  });
});

describe("compatibility_flags", () => {
  test("has the one without which servers get another URL than was sent", () => {
    const text = soundBut('compatibility_flags = ["fetch_legacy_url"]', "compatibility_flags = [] # here");
    const message = expect.stringMatching(/without "fetch_legacy_url" .* percent-encodes/);
    expect(findingsOf(text)).toMatchObject([
      { severity: "warning", key: "compatibility_flags", line: here(text), message },
    ]);
    expect(told(soundBut(/compatibility_flags.*/, ""))).toHaveLength(1);
  });

  test("may have others", () => {
    expect(findingsOf(soundBut('["fetch_legacy_url"]', '["nodejs_compat", "fetch_legacy_url"]'))).toEqual([]);
  });
});

describe("the binding POOL", () => {
  test("must be there", () => {
    expect(told(soundBut(/\[\[durable_objects.bindings\]\][^[]*/, ""))).toEqual([
      "error durable_objects.bindings: no binding POOL of class Pool, which every request needs",
    ]);
  });

  test("is not another binding of the class", () => {
    const text = soundBut('name = "POOL"', 'name = "POOLS"').replace(/^(\[\[durable.*)/m, "$1 # here");
    const [finding, ...more] = findingsOf(text);
    expect(finding).toMatchObject({ key: "durable_objects.bindings", line: here(text) });
    expect(more).toEqual([]);
  });

  test("is of the class Pool", () => {
    const text = soundBut('class_name = "Pool"', 'class_name = "Queue" # here');
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "error",
        key: "durable_objects.bindings[0].class_name",
        line: here(text),
        message: '"Queue" is not Sluice\'s class; allowed: "Pool"',
      },
    ]);
  });

  test("may stand among others", () => {
    const other =
      '[[durable_objects.bindings]]\nname = "X"\nclass_name = "X"\n\n[[durable_objects.bindings]]';
    expect(findingsOf(soundBut("[[durable_objects.bindings]]", other))).toEqual([]);
  });
});

describe("the class Pool", () => {
  test("must be created by a migration", () => {
    expect(told(soundBut(/\[\[migrations\]\][^[]*\["Pool"\]/, ""))).toEqual([
      expect.stringContaining("error migrations: no migration creates the class Pool"),
    ]);
  });

  test("must be created with SQLite", () => {
    const text = soundBut('new_sqlite_classes = ["Pool"]', 'new_classes = ["Pool"] # here');
    expect(findingsOf(text)).toMatchObject([
      {
        key: "migrations[0].new_classes",
        line: here(text),
        message: expect.stringContaining("new_sqlite_classes"),
      },
    ]);
  });

  test.each([
    ['new_sqlite_classes = ["Old"]\nrenamed_classes = [{ from = "Old", to = "Pool" }]'],
    ['new_sqlite_classes = []\n[exports.Pool]\ntype = "durable-object"\nstorage = "sqlite"'],
  ])("may come by other ways that wrangler has (%#)", (instead) => {
    expect(findingsOf(soundBut('new_sqlite_classes = ["Pool"]', instead))).toEqual([]);
  });
});

describe("the binding DEFERRED", () => {
  const BINDING = /\[\[durable_objects.bindings\]\]\nname = "DEFERRED"[^[]*/;
  const STORING = web(`deferred = {}\n${CHECK}`);

  test("must be there if a pool stores requests", () => {
    expect(told(STORING)).toEqual([]);
    expect(told(STORING.replace(BINDING, ""))).toEqual([
      "error durable_objects.bindings: no binding DEFERRED of class Deferred, in which `deferred` stores requests",
    ]);
  });

  test("must be there even while something else is wrong with the pool", () => {
    const wrong = web("deferred = { keep = 1 }\nslots = 0").replace(BINDING, "");
    expect(told(wrong)).toContainEqual(expect.stringContaining("no binding DEFERRED of class Deferred"));
  });

  test("must be an environment's own", () => {
    const blue = `[env.blue.vars.POOLS.web]\nservers = [{ name = "b", url = "https://b.example.com" }]\ndeferred = {}\n${CHECK}`;
    const pool = '[[env.blue.durable_objects.bindings]]\nname = "POOL"\nclass_name = "Pool"';
    const strategy = '[env.blue.durable_objects.code_update_strategy]\nmode = "immediate"';
    expect(told([web(""), blue, pool, strategy].join("\n"))).toEqual([
      expect.stringMatching(/^error env\.blue.*no binding DEFERRED .*environments do not inherit bindings/),
    ]);
  });

  test("is missing where nobody needs it, which is worth a note", () => {
    const text = soundBut(BINDING, "");
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "note",
        key: "durable_objects.bindings",
        message: expect.stringContaining("no pool can have `deferred`"),
      },
    ]);
  });

  test("is of the class Deferred", () => {
    const text = soundBut('class_name = "Deferred"', 'class_name = "Pool" # here');
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "error",
        key: "durable_objects.bindings[1].class_name",
        line: here(text),
        message: '"Pool" is not Sluice\'s class; allowed: "Deferred"',
      },
    ]);
  });

  test("needs a migration that creates its class with SQLite, or wrangler refuses the file", () => {
    const without = soundBut(/\[\[migrations\]\]\ntag = "v2"[^[]*\["Deferred"\]/, "");
    for (const text of [
      without,
      without.replace("[vars.POOLS.web]", `[vars.POOLS.web]\ndeferred = {}\n${CHECK}`),
    ]) {
      expect(told(text)).toEqual([
        'error migrations: no migration creates the class Deferred; add one with a tag of its own and new_sqlite_classes = ["Deferred"]',
      ]);
    }
    const old = soundBut('new_sqlite_classes = ["Deferred"]', 'new_classes = ["Deferred"] # here');
    expect(findingsOf(old)).toMatchObject([
      { severity: "error", key: "migrations[1].new_classes", line: here(old) },
    ]);
  });
});

describe("a warning says what follows when", () => {
  test("objects go on with old code", () => {
    expect(told(soundBut(/\[durable_objects.code[^[]*/, ""))).toEqual([
      expect.stringMatching(
        /^warning durable_objects.code_update_strategy.mode: missing: after a deploy .*"immediate"/,
      ),
    ]);
    const text = soundBut('mode = "immediate"', 'mode = "deferred" # here');
    expect(findingsOf(text)).toMatchObject([{ severity: "warning", line: here(text) }]);
  });

  test.each([["enabled = false"], ["[observability.traces]\nenabled = true"]])(
    "the log is not kept: %s",
    (instead) => {
      expect(told(soundBut("enabled = true", instead))).toEqual([
        expect.stringContaining("warning observability: is off"),
      ]);
    },
  );

  test("nothing, with the log alone switched on", () => {
    expect(findingsOf(soundBut("enabled = true", "logs = { enabled = true }"))).toEqual([]);
  });
});
