import stringWidth from "string-width";
import { expect, test } from "vitest";
import type { AuditList } from "../../../src/admin/audit.ts";
import { auditView } from "../../../src/cli/terminal/audit-view.ts";

type Change = AuditList["changes"][number];

const plain = (_: string, text: string) => text;
const NOW = new Date(2026, 10, 21, 9).getTime();
const before = (ms: number) => new Date(NOW - ms).toISOString();

function change(changes: Partial<Change> = {}): Change {
  return {
    pool: "web",
    id: 7,
    at: before(60_000),
    by: "ci",
    via: "token",
    address: "203.0.113.7",
    agent: "node",
    act: "drain",
    owner: "deploy-42",
    answer: "done",
    ...changes,
  };
}

const REFUSED = change({
  id: 6,
  by: "jane",
  via: "access",
  act: "resume",
  owner: "jane",
  answer: "drain-held",
});
const GROWN = change({ count: 9, until: before(1_000) });

test("has a line for each change: when, who, from where, what, and what came of it", () => {
  expect(auditView([GROWN, REFUSED], false, plain, NOW)).toEqual([
    "WHEN      WHO   ANSWER      WHAT                                          FROM         SIGNED IN BY       WITH",
    '08:59:00  ci    done        drain as "deploy-42", 9 times until 08:59:59  203.0.113.7  a named token      node',
    "08:59:00  jane  drain-held  resume                                        203.0.113.7  Cloudflare Access  node",
  ]);
});

test("names the pools where there are several", () => {
  const [titles, line] = auditView([REFUSED], true, plain, NOW);
  expect(titles).toMatch(/^WHEN +POOL +WHO/);
  expect(line).toMatch(/^08:59:00 +web +jane/);
});

test("fits the terminal, and leaves out first how they signed in and with what", () => {
  const all = [GROWN, change({ agent: "x".repeat(100), address: null })];
  const lines = auditView(all, true, plain, NOW, 80);
  for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(80);
  expect(lines[0]).toMatch(/FROM$/);
  expect(lines[1]).toMatch(/drain as "deploy-42".*… +203\.0\.113\.7$/);
  expect(lines[2]).toMatch(/drain as "deploy-42" +–$/);
});

test("lets nobody's text act on the terminal", () => {
  const wild = "\u001b[2J\u0007\nx";
  const [, line] = auditView(
    [change({ by: wild, owner: wild, reason: wild, agent: wild, address: wild, pool: wild })],
    true,
    plain,
    NOW,
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  expect(line).not.toMatch(/[\u0000-\u001f]/);
});
