/** The names of pools and servers that the Tab key completes. */
import { readFileSync } from "node:fs";
import { isName } from "../../config/names.ts";
import { holdsPools } from "../../config/variables.ts";
import { AdminClient } from "../client/admin-client.ts";
import { isInTheClear, targetOf } from "../client/target.ts";
import { findWranglerFile, kindOf, readFileText } from "../wrangler-file/read.ts";
import { listOf, tableOf, valueAt } from "../wrangler-file/tree.ts";

/** The servers of each pool. */
export type Names = ReadonlyMap<string, ReadonlySet<string>>;

/** How long a press of Tab waits for Sluice, in ms. */
const PATIENCE_MS = 1_000;

/** Of the Sluice that would be asked, and without an answer of the wrangler file in this folder. Never rejects. */
export async function knownNames(options: { url?: string; token?: string }): Promise<Names> {
  try {
    return await namesInSluice(options);
  } catch {
    // Nobody who presses Tab wants to read why.
  }
  try {
    return namesInFile(process.cwd());
  } catch {
    return new Map();
  }
}

/** The pools in the file of wrangler's in this folder or above; none if there is none that can be read. */
export function knownPools(folder: string): ReadonlySet<string> {
  try {
    return new Set(namesInFile(folder).keys());
  } catch {
    return new Set();
  }
}

async function namesInSluice(options: { url?: string; token?: string }): Promise<Names> {
  const target = targetOf(options, process.env);
  if (isInTheClear(target)) throw new Error("A press of Tab is no reason to send the token unencrypted.");
  const { pools, unreachable } = await new AdminClient(target).pools(AbortSignal.timeout(PATIENCE_MS));
  return namesOf([...pools, ...unreachable.map((name) => ({ name }))]);
}

function namesInFile(folder: string): Names {
  const path = findWranglerFile(folder);
  const kind = path === null ? null : kindOf(path);
  if (path === null || kind === null) return new Map();
  const file = tableOf(valueAt(readFileText(readFileSync(path, "utf8"), kind), []));
  const variables = [file, ...Object.values(tableOf(file.env))].flatMap((target) =>
    Object.entries(tableOf(tableOf(target).vars)),
  );
  const pools = variables.flatMap(([name, value]) =>
    holdsPools(name) ? Object.entries(tableOf(value)) : [],
  );
  return namesOf(pools.map(([name, pool]) => ({ ...tableOf(pool), name })));
}

/** Only what is a name: a shell would act on some of what another server, or a file, may have in its place. */
function namesOf(pools: readonly unknown[]): Names {
  const names = new Map<string, Set<string>>();
  for (const pool of pools) {
    const { name, servers } = tableOf(pool);
    if (!isNamed(name)) continue;
    const known = names.get(name) ?? new Set();
    for (const server of listOf(servers).map((one) => tableOf(one).name))
      if (isNamed(server)) known.add(server);
    names.set(name, known);
  }
  return names;
}

function isNamed(name: unknown): name is string {
  return typeof name === "string" && isName(name);
}
