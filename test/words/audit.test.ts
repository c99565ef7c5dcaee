import { expect, test } from "vitest";
import { AUDIT_ANSWERS, type AuditEntry } from "../../src/link/audit.ts";
import { answerInWords, askedInWords } from "../../src/words/audit.ts";

const said = (asked: Partial<AuditEntry>) =>
  askedInWords({ by: "jane", ...asked } as AuditEntry, (name) => `<${name}>`);

test.each<[Partial<AuditEntry>, string]>([
  [{ act: "drain", owner: "jane" }, "drain"],
  [
    { act: "drain", owner: "deploy-42", reason: "v2", expiresMs: 900_000 },
    "drain as <deploy-42> (<v2>), for 15 min",
  ],
  [{ act: "drain", owner: "jane", extend: true, expiresMs: 1_500 }, "extend the drain, for 1.5 s"],
  [
    { act: "drain", owner: "jane", expiresMs: 900_000, cutMs: 30_000 },
    "drain, for 15 min, cutting off what is still held after 30 s",
  ],
  [{ act: "stop", owner: "jane" }, "stop"],
  [
    { act: "stop", owner: "move", message: "Back at nine.", expiresMs: 900_000, cutMs: 30_000 },
    "stop as <move> (<Back at nine.>), for 15 min, cutting off what is still held after 30 s",
  ],
  [
    { act: "change-server", server: "web-1", state: "maint", cutMs: 30_000 },
    "set <web-1>: maintenance, cutting off what is still held after 30 s",
  ],
  [{ act: "resume", owner: "jane" }, "resume"],
  [{ act: "resume", owner: "deploy-42", force: true }, "resume as <deploy-42>, whosever drain it is"],
  [{ act: "change-server", server: "web-1", state: "maint" }, "set <web-1>: maintenance"],
  [
    {
      act: "change-server",
      server: "web-1",
      state: "ready",
      slots: 2,
      weight: 1,
      ifState: "drain",
      owner: "r",
    },
    "set <web-1> as <r>: ready, 2 slots, weight 1, if it is drain",
  ],
  [
    { act: "change-server", server: "web-1", slots: null, weight: null },
    "set <web-1>: slots as configured, weight as configured",
  ],
  [{ act: "free-slot", lease: "6f1c2a8e", server: "web-1" }, "free a slot of <web-1>"],
  [{ act: "free-slot", lease: "6f1c2a8e" }, "free the slot of lease <6f1c2a8e>"],
  [{ act: "cancel-deferred", number: 7 }, "cancel deferred request 7"],
  [{ act: "cancel-deferred", number: 7, forget: true }, "cancel or forget deferred request 7"],
  [{ act: "retry-deferred", number: 7 }, "retry deferred request 7"],
  [{ act: "retry-deferred" }, "retry a deferred request"],
  [{ act: "brand-new" as "drain" }, "brand-new"],
])("%o is what somebody asked for, in words", (asked, words) => {
  expect(said(asked)).toBe(words);
});

test("each answer has words, and names the refusal's code", () => {
  for (const answer of AUDIT_ANSWERS) {
    const words = answerInWords(answer);
    expect(words).not.toContain("undefined");
    if (answer === "done" || answer === "nothing") expect(words).not.toContain("(");
    else expect(words).toMatch(new RegExp(`^(refused|not known) \\(${answer}\\): \\w`));
  }
  expect(answerInWords("brand-new" as "done")).toBe("refused (brand-new)");
});
