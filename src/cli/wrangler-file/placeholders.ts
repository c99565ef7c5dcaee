/** Own pages: what would stand on them as it is, as it only looks like a placeholder. */
import { PAGE_PLACEHOLDERS } from "../../config/pages.ts";
import type { PoolConfig } from "../../config/types.ts";
import { WAITING_PAGE, WAITING_PAGE_PLACEHOLDERS } from "../../config/waiting-page.ts";
import { poolNamesIn } from "./pools.ts";
import type { Target } from "./target.ts";

export function checkPlaceholders(target: Target, pools: readonly PoolConfig[]): void {
  if (pools.some(({ waitingPageMs }) => waitingPageMs !== null))
    warnOfUnknown(target, WAITING_PAGE, WAITING_PAGE_PLACEHOLDERS);
  // A pool with an error is not among them, and might be the one that shows it.
  else if (pools.length === poolNamesIn(target).size && target.own("vars", WAITING_PAGE) !== undefined)
    target.warn(["vars", WAITING_PAGE], "has no effect: no pool has the key waiting_page");
  const names = pools.flatMap(({ pages }) => Object.values(pages).flatMap(({ html }) => html ?? []));
  for (const name of new Set(names)) warnOfUnknown(target, name, PAGE_PLACEHOLDERS);
}

function warnOfUnknown(target: Target, variable: string, names: readonly string[]): void {
  const text = target.own("vars", variable);
  if (typeof text !== "string") return;
  const allowed = names.map((name) => `{{${name}}}`);
  // On one line, as all between the braces of a style sheet would count otherwise.
  const found = [...new Set(text.match(/\{\{[^{}\n]*\}\}/g) ?? [])];
  const unknown = found.filter((one) => !allowed.includes(one));
  if (unknown.length === 0) return;
  const [are, stand] =
    unknown.length === 1
      ? ["is no placeholder", "stands on the page as it is"]
      : ["are no placeholders", "stand on the page as they are"];
  target.warn(
    ["vars", variable],
    `${unknown.join(", ")} ${are}, and ${stand}; allowed: ${allowed.join(", ")}`,
  );
}
