import { run } from "../load/load.ts";
import { Rows } from "../rows.ts";
import { SUBJECTS } from "../subjects/subject.ts";
import { differenceTarget } from "../targets.ts";
import { type Scenario, sideBySide } from "./scenario.ts";

export const latency: Scenario = {
  name: "latency",
  about: "1 connection, service time 0",
  async run(context) {
    const rows = new Rows(this.name);
    const seconds = context.quick ? 1 : 2;
    await sideBySide({ context, name: this.name, subjects: SUBJECTS, servers: 64 }, async (subject) => {
      const { p50Ms, p99Ms } = await run({ url: `${subject.url}/`, connections: 1, seconds }, context.gear);
      rows.add("p50", "ms", subject.name, p50Ms, "pass-through");
      rows.add("p99", "ms", subject.name, p99Ms, "pass-through");
    });
    differenceTarget(rows.row("p50"), "pass-through", { most: 0.7 });
    return { rows: rows.all, notes: [] };
  },
};
