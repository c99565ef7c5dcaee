import { beforeEach, describe, expect, test } from "vitest";
import type { Act } from "../../src/link/act.ts";
import type { Asked, AuditAnswer, AuditEntry } from "../../src/link/audit.ts";
import { Audit, type AuditRow, MOST_ENTRIES, MOST_FRUITLESS, RUN_MS } from "../../src/pool/audit.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** What the ledger has, by row. */
let stored: Map<number, AuditRow>;
let audit: Audit;
let acts = 0;

const restarted = () => new Audit(() => structuredClone([...stored.values()]));
beforeEach(() => {
  stored = new Map();
  audit = restarted();
});

function act(by: string, changes: Partial<Act> = {}): Act {
  return { id: `act ${++acts}`, by, via: "token", address: "192.0.2.1", agent: "sluice", ...changes };
}

const DRAIN: Asked = { act: "drain", owner: "deploy-42" };
const free = (lease: string | number): Asked => ({ act: "free-slot", lease: String(lease) });

/** Notes it at this time and writes what is due. Returns how many rows that were. */
function note(asked: Asked, answer: AuditAnswer, by: Act | string, now: number): number {
  audit.note(asked, answer, typeof by === "string" ? act(by) : by, now);
  return write(now);
}

function write(now: number): number {
  const rows = audit.take(now);
  for (const row of rows) stored.set(row.row, row);
  return rows.length;
}

const all = (of = audit) => of.list({ limit: MOST_ENTRIES, before: null });
const ids = (entries: readonly AuditEntry[]) => entries.map(({ id }) => id);
const of = (by: string) => all().filter((entry) => entry.by === by);

describe("an entry", () => {
  test("says who asked for what, when, from where, by what, and what came of it", () => {
    audit.note({ ...DRAIN, reason: "v2" }, "done", act("ci"), 5 * SECOND);
    audit.note({ act: "resume", owner: "jane" }, "drain-held", act("jane", { via: "access" }), 6 * SECOND);
    const from = { address: "192.0.2.1", agent: "sluice" };
    expect(all()).toEqual([
      {
        id: 2,
        at: "1970-01-01T00:00:06.000Z",
        by: "jane",
        via: "access",
        ...from,
        act: "resume",
        owner: "jane",
        answer: "drain-held",
      },
      {
        id: 1,
        at: "1970-01-01T00:00:05.000Z",
        by: "ci",
        via: "token",
        ...from,
        ...DRAIN,
        reason: "v2",
        answer: "done",
      },
    ]);
  });

  test("tells what came of an act, also to another instance", () => {
    const [first, second, unknown] = [act("ci"), act("ci"), act("ci")];
    note(free("a"), "done", first, 0);
    note(free("a"), "unknown-lease", second, 1);
    for (let instance = 0; instance < 2; instance++) {
      expect([first, second, unknown].map((one) => audit.answerOf(one))).toEqual([
        "done",
        "unknown-lease",
        undefined,
      ]);
      audit = restarted();
    }
  });

  test("comes back after a restart, and the numbers go on", () => {
    for (let n = 0; n < 3; n++) note(free(n), "done", "ci", n * SECOND);
    const before = all();
    audit = restarted();
    expect(all()).toEqual(before);
    note(free(3), "done", "ci", 9 * SECOND);
    expect(ids(all())).toEqual([4, 3, 2, 1]);
  });

  test("is never of an earlier time than the one before it, though the clock is set back", () => {
    note(free("a"), "done", "ci", 10 * SECOND);
    note(free("b"), "done", "ci", 4 * SECOND);
    audit = restarted();
    note(free("c"), "done", "ci", 5 * SECOND);
    expect(new Set(all().map(({ at }) => at))).toEqual(new Set(["1970-01-01T00:00:10.000Z"]));
  });

  test("costs one row, also where it takes the place of another", () => {
    for (let n = 0; n < MOST_ENTRIES + 50; n++) expect(note(free(n), "done", "ci", n)).toBe(1);
    expect(stored.size).toBe(MOST_ENTRIES);
    expect(all(restarted())).toEqual(all());
  });
});

describe("the same change again", () => {
  const extended: Asked = { ...DRAIN, extend: true };

  test("makes the entry grow, as a deploy does that extends its drain", () => {
    note(DRAIN, "done", "ci", 0);
    for (let n = 1; n <= 40; n++) note(extended, "done", "ci", n * 30 * SECOND);
    expect(all()).toMatchObject([
      { id: 1, ...DRAIN, at: "1970-01-01T00:00:00.000Z", count: 41, until: "1970-01-01T00:20:00.000Z" },
    ]);
    expect(all()[0]).not.toHaveProperty("extend");
    audit = restarted();
    note(extended, "done", "ci", 20 * MINUTE + 30 * SECOND);
    expect(all()).toMatchObject([{ count: 42 }]);
  });

  test("is written at most once a second, and not forgotten", () => {
    note(DRAIN, "done", "ci", 0);
    let rows = 0;
    for (let now = 100; now < 10 * SECOND; now += 100) rows += note(DRAIN, "done", "ci", now);
    expect(rows).toBeLessThanOrEqual(10);
    expect(audit.hasChanges).toBe(true);
    expect(write(20 * SECOND)).toBe(1);
    expect(audit.hasChanges).toBe(false);
    expect(stored.get(0)?.entry.count).toBe(100);
  });

  test("is written at once for who looks", () => {
    note(DRAIN, "done", "ci", 0);
    audit.note(DRAIN, "done", act("ci"), 10);
    expect(audit.take(10)).toEqual([]);
    expect(audit.take(10, { all: true })).toMatchObject([{ entry: { count: 2 } }]);
  });

  test("is known by each of its latest acts, also to another instance", () => {
    const same = [act("ci"), act("ci"), act("ci")];
    for (const one of same) note(DRAIN, "done", one, 0);
    write(SECOND);
    audit = restarted();
    expect(same.map((one) => audit.answerOf(one))).toEqual(["done", "done", "done"]);
  });

  test.each<[string, Asked, AuditAnswer, Act]>([
    ["by somebody else", DRAIN, "done", act("jane")],
    ["from elsewhere", DRAIN, "done", act("ci", { address: "198.51.100.1" })],
    ["with something else", DRAIN, "done", act("ci", { agent: "curl" })],
    ["of another drain", { ...DRAIN, owner: "deploy-43" }, "done", act("ci")],
    ["for another reason", { ...DRAIN, reason: "v3" }, "done", act("ci")],
    ["with another end", { ...DRAIN, expiresMs: 1 }, "done", act("ci")],
    ["with another answer", DRAIN, "drain-held", act("ci")],
  ])("is an entry of its own %s", (_, asked, answer, by) => {
    note(DRAIN, "done", "ci", 0);
    note(asked, answer, by, SECOND);
    expect(ids(all())).toEqual([2, 1]);
  });

  test("is an entry of its own after a while", () => {
    note(DRAIN, "done", "ci", 0);
    note(DRAIN, "done", "ci", RUN_MS);
    expect(ids(all())).toEqual([2, 1]);
  });

  test("is an entry of its own after a change by whomever, but not after an attempt", () => {
    note(DRAIN, "done", "ci", 0);
    note(free("none"), "unknown-lease", "jane", 1);
    note(extended, "done", "ci", 2);
    expect(all()).toMatchObject([{ by: "jane" }, { by: "ci", count: 2 }]);
    note({ act: "resume", owner: "jane", force: true }, "done", "jane", 3);
    note(DRAIN, "done", "ci", 4);
    expect(all().map((entry) => `${entry.by} ${entry.act}`)).toEqual([
      "ci drain",
      "jane resume",
      "jane free-slot",
      "ci drain",
    ]);
  });
});

describe("once there are a thousand,", () => {
  test("the next one drops the first", () => {
    for (let n = 0; n < MOST_ENTRIES; n++) note(free(n), "done", `operator ${n % 3}`, n);
    expect(all().at(-1)?.id).toBe(1);
    note(free("next"), "done", "operator 0", MOST_ENTRIES);
    expect(ids(all()).at(0)).toBe(MOST_ENTRIES + 1);
    expect(ids(all()).at(-1)).toBe(2);
    expect(all()).toHaveLength(MOST_ENTRIES);
  });

  test("a flood of attempts displaces the same operator's attempts, and nobody's changes", () => {
    for (let n = 0; n < MOST_ENTRIES; n++) note(free(n), "done", n % 2 ? "ci" : "jane", n);
    for (let n = 0; n < 5_000; n++) note(free(`guess ${n}`), "unknown-lease", "mallory", MOST_ENTRIES + n);
    expect(of("mallory")).toHaveLength(MOST_FRUITLESS);
    expect(of("mallory")[0]).toMatchObject({ lease: "guess 4999" });
    expect([of("ci").length, of("jane").length]).toEqual([450, 450]);
    note(free("a change"), "done", "mallory", 9_000);
    expect(of("mallory")).toHaveLength(MOST_FRUITLESS + 1);
  });

  test("so is a flood of attempts that came while there was room", () => {
    for (let n = 0; n < MOST_ENTRIES; n++) note(free(n), "unknown-lease", "mallory", n);
    for (let n = 0; n < 500; n++) note(free(n), "done", "ci", MOST_ENTRIES + n);
    expect([of("mallory").length, of("ci").length]).toEqual([500, 500]);
  });

  test("a flood of changes by one leaves half of the list to the others", () => {
    for (let n = 0; n < 400; n++) note(free(n), "done", `operator ${n}`, n);
    for (let n = 0; n < 5_000; n++) note(free(n), "done", "ci", 400 + n);
    expect(of("ci")).toHaveLength(600);
    for (let n = 400; n < 700; n++) note(free(n), "done", `operator ${n}`, 6_000 + n);
    expect(of("ci")).toHaveLength(500);
    expect(of("operator 200")).toHaveLength(1);
  });

  test("whoever has ADMIN_TOKEN displaces nobody by calling themselves something else each time", () => {
    for (let n = 0; n < MOST_ENTRIES; n++) note(free(n), "done", n % 2 ? "ci" : "jane", n);
    for (let n = 0; n < 3_000; n++)
      note(free(n), "unknown-lease", act(`name ${n}`, { via: "admin-token" }), 2_000 + n);
    expect(of("ci").length + of("jane").length).toBe(MOST_ENTRIES - MOST_FRUITLESS);
  });
});

describe("the list", () => {
  const instant = (ms: number, id: number) => ({ at: ms, id });

  test("comes in pages, newest first, by time and number", () => {
    for (let n = 0; n < 6; n++) note(free(n), "done", "ci", Math.floor(n / 2) * SECOND);
    const page = (before: { at: number; id: number } | null) => ids(audit.list({ limit: 2, before }));
    expect(page(null)).toEqual([6, 5]);
    expect(page(instant(2 * SECOND, 5))).toEqual([4, 3]);
    expect(page(instant(SECOND, 4))).toEqual([3, 2]);
    expect(page(instant(SECOND, Number.MAX_SAFE_INTEGER))).toEqual([4, 3]);
    expect(page(instant(SECOND, 0))).toEqual([2, 1]);
    expect(page(instant(0, 1))).toEqual([]);
  });

  test("does not touch the ledger before somebody asks for it, or changes something", () => {
    let loads = 0;
    const lazy = new Audit(() => {
      loads++;
      return [];
    });
    expect([lazy.take(0), lazy.hasChanges, loads]).toEqual([[], false, 0]);
    lazy.note(DRAIN, "done", act("ci"), 0);
    all(lazy);
    expect(loads).toBe(1);
  });
});
