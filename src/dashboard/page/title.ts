import { inSentence } from "../../words/phrases.ts";
import type { PoolEntry } from "./overview.ts";

type Titled = Pick<PoolEntry, "name" | "condition">;

/** The title of the page. What is wrong comes first: a narrow tab shows little more than three characters. */
export function titleOf(pools: readonly Titled[], chosen: string | null, isConnected: boolean): string {
  if (!isConnected) return `(?) ${chosen === null ? "" : `${chosen}: `}not connected – Sluice`;
  const bad = pools.filter(({ condition }) => condition.gravity === "bad");
  if (chosen === null && bad.length > 1) return `(!) ${bad.length} pools in trouble – Sluice`;
  const pool = chosen === null ? bad[0] : pools.find(({ name }) => name === chosen);
  if (!pool) return "Sluice";
  const { name, condition } = pool;
  return `${condition.gravity === "bad" ? "(!) " : ""}${name}: ${inSentence(condition.words)} – Sluice`;
}
