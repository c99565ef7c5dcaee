import { type Row, Rows } from "../rows.ts";
import { SUBJECTS, type SubjectName } from "../subjects/subject.ts";
import { addTarget, behindTarget, medianTarget, neverTarget, ratioTarget } from "../targets.ts";
import { type Scenario, type Setting, sideBySide } from "./scenario.ts";
import { addCosts, addUse, countedCosts, namesOf, SERVERS, useOf } from "./single-flight.ts";

/** Of a service, in ms; and those that are measured with two isolates. */
const TIMES = [5, 10, 50] as const;
const TIMES_WITH_TWO = [10] as const;

/** Of HAProxy's, by service time. */
const LEAST_SERVED = { 5: 0.68, 10: 0.87, 50: 0.97 } as const;
const MOST_BEHIND_PASS_ON = 0.05;

export const utilisation: Scenario = {
  name: "utilisation",
  about: "10 single-flight servers, 40 connections: what was served over what the servers could have",
  async run(context) {
    const rows = new Rows(this.name);
    const setting = { context, name: this.name, servers: SERVERS };
    // The server itself and the pass-through Worker know no slots: nearly all would be rejected.
    const subjects = SUBJECTS.filter((name) => name !== "direct" && name !== "pass-through");
    await timeAndCount({ ...setting, subjects }, TIMES, rows);
    // The bench's own lease that is passed on knows one isolate only.
    const several = ["bare-lease", "sluice", "haproxy"] as const;
    await timeAndCount({ ...setting, subjects: several, isolates: 2 }, TIMES_WITH_TWO, rows);
    judge(rows);
    const groups = Object.groupBy(rows.all, ({ name }) => name.slice(0, name.indexOf(":")));
    return { rows: Object.values(groups).flatMap((group = []) => group), notes: [] };
  },
};

const COUNTABLE: readonly SubjectName[] = ["bare-lease", "pass-on", "sluice"];

/** Counting takes time: it is done in a run of its own, of processes of their own. */
async function timeAndCount(setting: Setting, times: readonly number[], rows: Rows): Promise<void> {
  const { context, isolates = 1 } = setting;
  const name = isolates > 1 ? `${setting.name}, ${isolates} isolates` : setting.name;
  await sideBySide({ ...setting, name }, async (subject, servers) => {
    for (const serviceMs of times) {
      const use = await useOf(subject, servers, serviceMs, context);
      addUse(rows, namesOf(serviceMs, isolates), subject.name, use, "haproxy");
    }
  });
  const subjects = setting.subjects.filter((name) => COUNTABLE.includes(name));
  await sideBySide(
    { ...setting, name: `${name}, counted`, subjects, counted: true },
    async (subject, servers) => {
      for (const serviceMs of times) {
        const costs = await countedCosts(subject, servers, serviceMs, context);
        addCosts(rows, namesOf(serviceMs, isolates), subject.name, costs);
      }
    },
  );
}

function judge(rows: Rows): void {
  for (const serviceMs of TIMES) {
    const names = namesOf(serviceMs);
    const served = rows.row(names.served);
    ratioTarget(served, "haproxy", { least: LEAST_SERVED[serviceMs] });
    behindTarget(served, "pass-on", "haproxy", MOST_BEHIND_PASS_ON);
    neverTarget(rows.row(names.rejected));
  }
  const at10 = namesOf(10);
  ratioTarget(rows.row(at10.idle), "pass-on", { most: 1.2 });
  medianTarget(rows.row(at10.cpu), { most: 700 });
  messagesTarget(rows.row(at10.messages));
  rowsTarget(rows.row(at10.slotRows), rows.row(at10.passed));
  for (const serviceMs of TIMES_WITH_TWO) neverTarget(rows.row(namesOf(serviceMs, 2).rejected));
}

/** Of what differs from none or one by less than this, it was under way when counting began or ended. */
const UNDER_WAY = 0.005;

function messagesTarget(row: Row): void {
  const most = Math.max(...(row.cells.sluice ?? []));
  addTarget(row, { wanted: "at most one", met: most < 1 + UNDER_WAY, found: most.toFixed(2) });
}

/** Who got its slot from the object may cost so many: one when the slot is taken, one when it is free again. */
const ROWS_OF_GRANT = 2;

function rowsTarget(row: Row, passed: Row): void {
  const wanted = "none for a lease that was passed on";
  const { sluice: shares = [] } = passed.cells;
  const more = (row.cells.sluice ?? []).map(
    (rows, round) => rows - ROWS_OF_GRANT * (1 - (shares[round] as number)),
  );
  const most = Math.max(0, ...more);
  addTarget(row, { wanted, met: most < UNDER_WAY, found: `${most.toFixed(2)} a request` });
}
