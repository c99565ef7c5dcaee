import { describe, expect, test } from "vitest";
import type { Change } from "../../src/dashboard/page/api.ts";
import { changeSentence, fromWords } from "../../src/dashboard/page/audit.ts";
import { ago } from "./snapshots.ts";

const CHANGE: Change = {
  id: 1,
  at: ago(60),
  by: "ci",
  via: "token",
  address: "203.0.113.7",
  agent: "node",
  act: "drain",
  owner: "deploy-42",
  reason: "v2",
  answer: "done",
};

describe("a change is a sentence", () => {
  const said = (changes: Partial<Change>) =>
    changeSentence({ ...CHANGE, ...changes }, (at) => at.slice(11, 19));

  test("with who, what, what came of it, and how often", () => {
    expect(said({})).toBe("“ci” asked to drain as “deploy-42” (“v2”) – done.");
    expect(said({ answer: "drain-held", act: "resume" })).toBe(
      "“ci” asked to resume as “deploy-42” – refused (drain-held): another drain was on.",
    );
    expect(said({ count: 9, until: ago(0) })).toBe(
      "“ci” asked to drain as “deploy-42” (“v2”), 9 times, the last at 09:00:00 – done.",
    );
  });

  test("and another from where, as far as that is known", () => {
    expect(fromWords(CHANGE)).toBe("From 203.0.113.7, signed in by a named token, with node");
    expect(fromWords({ ...CHANGE, address: null, agent: null, via: "admin-token" })).toBe(
      "From an unknown address, signed in by ADMIN_TOKEN",
    );
  });
});
