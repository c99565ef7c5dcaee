import { parseArgs } from "node:util";
import { SCENARIOS } from "./scenarios/all.ts";
import type { Scenario } from "./scenarios/scenario.ts";

export const USAGE = `usage: npm run bench -- [--rounds N] [--only ${SCENARIOS.map(({ name }) => name).join(",")}]
                       [--quick] [--json] [--write]
  --rounds N   how often each is measured, in turn with the others (5)
  --only …     these scenarios, separated by commas
  --quick      one short round: does all of it run?
  --json       one object instead of the table
  --write      puts results and plot into bench/README.md; all scenarios only`;

export interface Arguments {
  rounds: number;
  scenarios: readonly Scenario[];
  quick: boolean;
  json: boolean;
  write: boolean;
}

const MOST_ROUNDS = 100;

/** Throws an `Error` that names what cannot be. */
export function readArguments(given: string[]): Arguments {
  const { values } = parseArgs({
    args: given,
    options: {
      rounds: { type: "string" },
      only: { type: "string" },
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
  const scenarios = values.only === undefined ? SCENARIOS : values.only.split(",").map(scenarioOf);
  if (write && (quick || values.only !== undefined)) {
    throw new Error("--write needs a whole run: without --quick and --only");
  }
  return { rounds, scenarios, quick, json, write };
}

function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (scenario) return scenario;
  throw new Error(
    `--only ${name}: no such scenario; there are ${SCENARIOS.map(({ name }) => name).join(", ")}`,
  );
}
