import { run } from "../load/load.ts";
import { Rows } from "../rows.ts";
import { SUBJECTS } from "../subjects/subject.ts";
import { type Scenario, sideBySide } from "./scenario.ts";

/** A curve is not compared with anything: two rounds show its spread. */
const MOST_ROUNDS = 2;
const CONNECTIONS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const QUICK_CONNECTIONS = [1, 16];

export const connections: Scenario = {
  name: "connections",
  about: "throughput against connections, 64 servers, service time 0",
  async run(context) {
    const rows = new Rows(this.name);
    const counts = context.quick ? QUICK_CONNECTIONS : CONNECTIONS;
    const rounds = Math.min(context.rounds, MOST_ROUNDS);
    const setting = { context, name: this.name, subjects: SUBJECTS, servers: 64, rounds };
    await sideBySide(setting, async (subject) => {
      for (const count of counts) {
        const url = `${subject.url}/`;
        const { requests, seconds } = await run({ url, connections: count, seconds: 1 }, context.gear);
        rows.add(String(count), "/s", subject.name, requests / seconds, "pass-through");
      }
    });
    return { rows: rows.all, notes: [] };
  },
};
