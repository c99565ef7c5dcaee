import { parseConfig } from "../../src/config/parse.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { Rows } from "../rows.ts";
import { now } from "../servers/clock.ts";
import { medianTarget } from "../targets.ts";
import type { Scenario } from "./scenario.ts";

const TICKETS = 100_000;
const SERVERS = 64;
/** One in so many leaves before its turn. */
const LEAVING = 10;

/** How many events the object collects before it looks what follows from them: one, or 40 connections' of a turn. */
const TURNS = [1, 40];

export const scheduler: Scenario = {
  name: "scheduler",
  about: "the rules alone: 100,000 tickets wait for 64 servers, every tenth leaves, the rest are served",
  async run(context) {
    const rows = new Rows(this.name);
    const tickets = context.quick ? TICKETS / 10 : TICKETS;
    // Twice in advance, so that the compiler is through with it.
    for (let n = 0; n < 2 && !context.quick; n++) play(tickets, 40);
    for (let round = 1; round <= context.rounds; round++) {
      context.progress(`${this.name}, round ${round} of ${context.rounds}`);
      for (const turn of TURNS) rows.add(nameOf(turn), "/s", "sluice", play(tickets, turn));
    }
    for (const turn of TURNS) medianTarget(rows.row(nameOf(turn)), { least: 1_000_000 });
    return { rows: rows.all, notes: [] };
  },
};

const nameOf = (turn: number) => `operations, ${turn} a turn`;

/** Plays all tickets from arrival to end: operations a second. */
function play(tickets: number, turn: number): number {
  const pool = newScheduler(tickets);
  const holders: string[] = [];
  let [time, operations, granted] = [0, 0, 0];
  const collect = () => {
    for (const decision of pool.takeChanges().decisions) {
      if (decision.kind === "grant") holders.push(decision.ticket);
      if (decision.kind === "refuse") throw new Error(`refused: ${decision.code}`);
    }
  };
  const operate = (operation: () => void) => {
    operation();
    time += 0.01;
    if (++operations % turn === 0) collect();
  };
  const start = now();
  for (let n = 0; n < tickets; n++) operate(() => pool.enter({ id: `t${n}` }, time));
  for (let n = tickets - 1; n > 0; n -= LEAVING) operate(() => pool.leave(`t${n}`, time));
  for (;;) {
    const holder = holders[granted];
    if (holder === undefined) {
      collect();
      if (holders.length > granted) continue;
      break;
    }
    granted++;
    operate(() => pool.end(holder, { how: "done", status: 200 }, time));
  }
  const seconds = (now() - start) / 1000;
  const { completed, abandoned } = pool.totals;
  if (completed + abandoned !== tickets) throw new Error(`${completed} served and ${abandoned} left`);
  return operations / seconds;
}

function newScheduler(tickets: number): Scheduler {
  const servers = Array.from({ length: SERVERS }, (_, n) => ({ name: `s${n}`, url: `http://s${n}.example` }));
  const pools = { bench: { servers, max_queue: tickets, queue_timeout: "24h" } };
  const settings = parseConfig({ POOLS: pools }).pools.get("bench");
  if (!settings) throw new Error("no pool");
  return new Scheduler(settings, null, 0);
}
