import type { Act } from "../link/act.ts";
import type { Asked, AuditAnswer, AuditEntry, AuditQuery } from "../link/audit.ts";

/** How many entries are kept. */
export const MOST_ENTRIES = 1_000;
/** How many of them one operator may have without having changed anything, while others need the room. */
export const MOST_FRUITLESS = 100;
/** The longest pause in which the same change makes an entry grow, in ms. A deploy extends its drain more often. */
export const RUN_MS = 300_000;
/** An entry that grows is written no more often than this, in ms. */
const REWRITE_MS = 1_000;
/** A call that is repeated is known by its act, among so many of an entry that has grown. */
const MOST_ACTS = 4;

/** An entry as the ledger keeps it. */
export interface AuditRow {
  /** Its place in the table: that of an entry which it has replaced. */
  row: number;
  entry: AuditEntry;
  /** The ids of its latest acts. */
  acts: string[];
}

/** Times are in ms since the epoch. */
interface Kept extends AuditRow {
  at: number;
  until: number;
  /** `-Infinity`: not yet. */
  writtenAt: number;
}

/** The last `MOST_ENTRIES` changes of a pool by operators, and attempts of such. They are read when they are needed. */
export class Audit {
  readonly #load: () => AuditRow[];
  readonly #changed = new Set<Kept>();
  /** Oldest first. */
  #loaded: Kept[] | null = null;

  constructor(load: () => AuditRow[]) {
    this.#load = load;
  }

  /** True if `take` has something to return, now or later. */
  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  /** What came of an act that has been noted; `undefined`: it has not. */
  answerOf({ id }: Act): AuditAnswer | undefined {
    return this.#kept.find(({ acts }) => acts.includes(id))?.entry.answer;
  }

  /**
   * Does what an operator asks for, and notes it for the audit in the same turn: a crash then leaves both or neither. The
   * Worker repeats a call whose answer was lost: the act is not done again, and has the answer that it had at first.
   * `asked`: `null` if nothing changes, so that the call may be done again.
   */
  once<Answer extends AuditAnswer>(asked: Asked | null, act: Act, doing: (now: number) => Answer): Answer {
    const now = Date.now();
    if (asked === null) return doing(now);
    const known = this.answerOf(act);
    if (known !== undefined) return known as Answer;
    const answer = doing(now);
    this.note(asked, answer, act, now);
    return answer;
  }

  note(asked: Asked, answer: AuditAnswer, { id: act, ...who }: Act, now: number): void {
    const kept = this.#kept;
    // A clock may be set back, and the order of the times has to be that of the ids.
    const at = Math.max(now, kept.at(-1)?.at ?? now);
    const id = (kept.at(-1)?.entry.id ?? 0) + 1;
    const entry: AuditEntry = { id, at: iso(at), ...who, ...asked, answer };
    const growing = this.#growing(entry, at);
    if (growing) grow(growing, act, at);
    const one =
      growing ?? this.#add({ row: kept.length, entry, acts: [act], at, until: at, writtenAt: NEVER });
    this.#changed.add(one);
  }

  /** Returns the rows to write now. `all`: also those of entries that have just been written, and have grown. */
  take(now: number, { all = false } = {}): AuditRow[] {
    const due = [...this.#changed].filter(({ writtenAt }) => all || now - writtenAt >= REWRITE_MS);
    for (const one of due) {
      this.#changed.delete(one);
      one.writtenAt = now;
    }
    return due.map(({ row, entry, acts }) => ({ row, entry, acts }));
  }

  /** Newest first. */
  list({ limit, before }: AuditQuery): AuditEntry[] {
    const isBefore = ({ at, entry }: Kept) =>
      before === null || at < before.at || (at === before.at && entry.id < before.id);
    return this.#kept
      .filter(isBefore)
      .slice(-limit)
      .reverse()
      .map(({ entry }) => entry);
  }

  get #kept(): Kept[] {
    this.#loaded ??= this.#load()
      .map((row) => {
        const at = Date.parse(row.entry.at);
        const until = Date.parse(row.entry.until ?? row.entry.at);
        return { ...row, at, until, writtenAt: until };
      })
      .sort((a, b) => a.entry.id - b.entry.id);
    return this.#loaded;
  }

  /** The latest entry of the same, unless somebody has changed something since. */
  #growing(entry: AuditEntry, now: number): Kept | undefined {
    const run = runOf(entry);
    const found = this.#kept.findLast((one) => runOf(one.entry) === run || one.entry.answer === "done");
    return found && runOf(found.entry) === run && now - found.until < RUN_MS ? found : undefined;
  }

  #add(one: Kept): Kept {
    const kept = this.#kept;
    kept.push(one);
    if (kept.length <= MOST_ENTRIES) return one;
    const [dropped] = kept.splice(dispensable(kept.map(({ entry }) => entry)), 1);
    if (!dropped) return one;
    this.#changed.delete(dropped);
    // One row is written, and none deleted.
    one.row = dropped.row;
    return one;
  }
}

const NEVER = Number.NEGATIVE_INFINITY;

function grow(one: Kept, act: string, now: number): void {
  one.until = now;
  one.acts = [...one.acts, act].slice(-MOST_ACTS);
  one.entry = { ...one.entry, count: (one.entry.count ?? 1) + 1, until: iso(now) };
}

/** Who did what, from where, and what came of it. A drain and its extensions are one. */
function runOf({ id, at, count, until, extend, ...same }: AuditEntry): string {
  return JSON.stringify(same);
}

/**
 * Returns the index of the entry to drop from a full list, so that no operator displaces the others: the oldest of one
 * who has more than `MOST_FRUITLESS` that changed nothing; the oldest of one who has more than half of the list; or else
 * the oldest.
 */
function dispensable(entries: readonly AuditEntry[]): number {
  const isFruitless = ({ answer }: AuditEntry) => answer !== "done";
  const nagging = ofMoreThan(MOST_FRUITLESS, entries.filter(isFruitless));
  if (nagging !== null) return entries.findIndex((one) => isFruitless(one) && operatorOf(one) === nagging);
  const busy = ofMoreThan(entries.length / 2, entries);
  return busy === null ? 0 : entries.findIndex((one) => operatorOf(one) === busy);
}

/** The operator who has more than `most` of them. */
function ofMoreThan(most: number, entries: readonly AuditEntry[]): string | null {
  const counts = new Map<string, number>();
  for (const entry of entries) {
    const operator = operatorOf(entry);
    const count = (counts.get(operator) ?? 0) + 1;
    if (count > most) return operator;
    counts.set(operator, count);
  }
  return null;
}

/** Whoever has ADMIN_TOKEN may call themselves anything. */
function operatorOf({ by, via }: AuditEntry): string {
  return via === "admin-token" ? via : `${via} ${by}`;
}

const iso = (ms: number) => new Date(ms).toISOString();
