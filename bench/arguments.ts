import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { against } from "./scenarios/against.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import type { Scenario } from "./scenarios/scenario.ts";

export const USAGE = `usage: npm run bench -- [--rounds N] [--only ${SCENARIOS.map(({ name }) => name).join(",")}]
                       [--against FOLDER] [--quick] [--json] [--write]
  --rounds N   how often each is measured, in turn with the others (5)
  --only …     these scenarios, separated by commas
  --against …  nothing but Sluice and another bundle of it, in turns of new processes: the folder's index.js,
               as made by wrangler deploy --dry-run --outdir
  --quick      one short round: does all of it run?
  --json       one object instead of the table
  --write      puts results and plot into bench/README.md; all scenarios, or shards alone`;

export interface Arguments {
  rounds: number;
  scenarios: readonly Scenario[];
  quick: boolean;
  json: boolean;
  write: boolean;
}

const MOST_ROUNDS = 100;
/** Its results have a place of their own, as it compares nobody with Sluice. */
const WRITTEN_ALONE = "shards";

/** Throws an `Error` that names what cannot be. */
export function readArguments(given: string[]): Arguments {
  const { values } = parseArgs({
    args: given,
    options: {
      rounds: { type: "string" },
      only: { type: "string" },
      against: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  const { quick, json, write } = values;
  const rounds = Number(values.rounds ?? (quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MOST_ROUNDS) {
    throw new Error(`--rounds ${values.rounds}: not a whole number from 1 to ${MOST_ROUNDS}`);
  }
  const isPart = values.only !== undefined && values.only !== WRITTEN_ALONE;
  if (write && (quick || isPart || values.against !== undefined)) {
    throw new Error(
      `--write needs a whole run: without --quick, --against and --only, but for --only ${WRITTEN_ALONE}`,
    );
  }
  return { rounds, scenarios: scenariosOf(values), quick, json, write };
}

function scenariosOf(given: { only?: string; against?: string }): readonly Scenario[] {
  if (given.against === undefined) return given.only?.split(",").map(scenarioOf) ?? SCENARIOS;
  if (given.only !== undefined) throw new Error("--against is a run of its own: without --only");
  if (!existsSync(join(given.against, "index.js")))
    throw new Error(`--against ${given.against}: there is no index.js in it`);
  return [against(given.against)];
}

function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (scenario) return scenario;
  throw new Error(
    `--only ${name}: no such scenario; there are ${SCENARIOS.map(({ name }) => name).join(", ")}`,
  );
}
