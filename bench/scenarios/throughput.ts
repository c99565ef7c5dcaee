import { run } from "../load/load.ts";
import { cpuSeconds } from "../measure/process-use.ts";
import { Rows } from "../rows.ts";
import { SUBJECTS } from "../subjects/subject.ts";
import { ratioTarget } from "../targets.ts";
import { type Scenario, sideBySide } from "./scenario.ts";

export const throughput: Scenario = {
  name: "throughput",
  about: "40 connections, 64 servers, service time 0",
  async run(context) {
    const rows = new Rows(this.name);
    const seconds = context.quick ? 1 : 3;
    await sideBySide({ context, name: this.name, subjects: SUBJECTS, servers: 64 }, async (subject) => {
      const { name, pid } = subject;
      const before = pid === null ? 0 : cpuSeconds(pid);
      const load = await run({ url: `${subject.url}/`, connections: 40, seconds }, context.gear);
      rows.add("requests", "/s", name, load.requests / load.seconds, "pass-through");
      if (pid === null) return;
      const microseconds = ((cpuSeconds(pid) - before) / load.requests) * 1e6;
      rows.add("CPU a request", "µs", name, microseconds, "pass-through");
    });
    ratioTarget(rows.row("requests"), "pass-on-duties", { least: 0.75 });
    ratioTarget(rows.row("requests"), "through-object", { least: 1.3 });
    return { rows: rows.all, notes: [] };
  },
};
