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

interface Play {
  name: string;
  /** How many events the object collects before it looks what follows from them: one, or 40 connections' of a turn. */
  turn: number;
  /** Among so many the tickets are dealt out; 0: the pool has no `flow`. */
  flows: number;
  /** Operations a second. */
  least: number;
}

const PLAYS: Play[] = [
  { name: "operations, 1 a turn", turn: 1, flows: 0, least: 1_000_000 },
  { name: "operations, 40 a turn", turn: 40, flows: 0, least: 1_000_000 },
  { name: "operations, 40 a turn, 1,000 flows", turn: 40, flows: 1_000, least: 500_000 },
];

export const scheduler: Scenario = {
  name: "scheduler",
  about: "the rules alone: 100,000 tickets wait for 64 servers, every tenth leaves, the rest are served",
  async run(context) {
    const rows = new Rows(this.name);
    const tickets = context.quick ? TICKETS / 10 : TICKETS;
    // Twice in advance, so that the compiler is through with it.
    for (let n = 0; n < 2 && !context.quick; n++) for (const one of PLAYS) play(tickets, one);
    for (let round = 1; round <= context.rounds; round++) {
      context.progress(`${this.name}, round ${round} of ${context.rounds}`);
      for (const one of PLAYS) rows.add(one.name, "/s", "sluice", play(tickets, one));
    }
    for (const { name, least } of PLAYS) medianTarget(rows.row(name), { least });
    return { rows: rows.all, notes: [] };
  },
};

/** Plays all tickets from arrival to end: operations a second. */
function play(tickets: number, { turn, flows }: Play): number {
  const pool = newScheduler(tickets, flows);
  const requests = Array.from({ length: tickets }, (_, n) => ({
    id: `t${n}`,
    ...(flows > 0 ? { flow: `flow-${n % flows}` } : {}),
  }));
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
  for (const request of requests) operate(() => pool.enter(request, time));
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

function newScheduler(tickets: number, flows: number): Scheduler {
  const servers = Array.from({ length: SERVERS }, (_, n) => ({ name: `s${n}`, url: `http://s${n}.example` }));
  const flow = flows > 0 ? { flow: "header:x-api-key" } : {};
  const pools = { bench: { servers, max_queue: tickets, queue_timeout: "24h", ...flow } };
  const settings = parseConfig({ POOLS: pools }).pools.get("bench");
  if (!settings) throw new Error("no pool");
  return new Scheduler(settings, null, 0);
}
