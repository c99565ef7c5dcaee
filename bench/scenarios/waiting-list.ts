import { median } from "../measure/statistics.ts";
import { Rows } from "../rows.ts";
import { Servers } from "../servers/servers.ts";
import { addTarget, neverTarget, ratioTarget } from "../targets.ts";
import type { Scenario } from "./scenario.ts";
import { roomForSockets } from "./waiting/clients.ts";
import { holdInPassThrough } from "./waiting/hold-in-pass-through.ts";
import { holdInPool } from "./waiting/hold-in-pool.ts";

/** Each round takes half a minute, and what it measures spreads little. */
const MOST_ROUNDS = 3;
const SERVERS = 64;
/** What one and the same leave varies by on a machine with other things to do. */
const SAME_MS = 2;

export const waitingList: Scenario = {
  name: "waiting-list",
  about: "requests held in a drained pool; the pass-through Worker holds as many slow ones",
  async run(context) {
    const rows = new Rows(this.name);
    const counts = context.quick ? [100, 300] : [1_000, 10_000];
    const most = counts.at(-1) as number;
    const held = Math.min(most, Math.floor(roomForSockets() / 2));
    const servers = await Servers.start(SERVERS);
    const rounds = Math.min(context.rounds, MOST_ROUNDS);
    for (let round = 1; round <= rounds; round++) {
      context.progress(`${this.name}, round ${round} of ${rounds}: pass-through`);
      const memory = await holdInPassThrough(held, servers, context);
      rows.add(names(most).memory, "KiB", "pass-through", memory, "pass-through");
      for (const count of counts) {
        context.progress(`${this.name}, round ${round} of ${rounds}: sluice, ${count}`);
        const kept = await holdInPool(count, servers, context);
        const add = (name: string, unit: string, value: number) => rows.add(name, unit, "sluice", value);
        add(names(count).memory, "KiB", kept.memoryKiB);
        add(names(count).enqueue, "ms", kept.enqueueMs);
        add(names(count).first, "ms", kept.firstLeavesMs);
        add(names(count).last, "ms", kept.lastLeavesMs);
        add(names(count).dispatch, "ms", kept.dispatchMs);
        add(names(count).refused, "", kept.refused);
        add(names(count).overtaken, "", kept.overtaken);
      }
    }
    await servers.stop();
    judge(rows, counts);
    return { rows: rows.all, notes: notesOn(most, held) };
  },
};

function names(count: number) {
  const held = count.toLocaleString("en-GB");
  return {
    memory: `${held} held: memory a request`,
    enqueue: `${held} held: until all wait`,
    first: `${held} held: the first leaves`,
    last: `${held} held: the last leaves`,
    dispatch: `${held} held: resume until all are answered`,
    refused: `${held} held: refused`,
    overtaken: `${held} held: overtaken`,
  };
}

function judge(rows: Rows, counts: number[]): void {
  for (const count of counts) {
    neverTarget(rows.row(names(count).refused));
    neverTarget(rows.row(names(count).overtaken));
    const last = rows.row(names(count).last);
    const first = rows.row(names(count).first).cells.sluice ?? [];
    const more = median(last.cells.sluice ?? []) - median(first);
    addTarget(last, {
      wanted: `at most ${SAME_MS} ms more than the first`,
      met: more <= SAME_MS,
      found: `${more.toFixed(1)} ms more`,
    });
  }
  ratioTarget(rows.row(names(counts.at(-1) as number).memory), "pass-through", { most: 1.2 });
}

function notesOn(wanted: number, held: number): string[] {
  const room = roomForSockets();
  const notes: string[] = [];
  if (held < wanted) notes.push(`The pass-through Worker held ${held}, each with a socket to either side.`);
  if (room < wanted)
    notes.push(`Of ${wanted} clients of Sluice ${wanted - room} had no connection of their own.`);
  if (notes.length > 0) notes.push(`A process of this machine has room for ${room} sockets of workerd.`);
  return notes;
}
