import type { Me } from "../../admin/operator.ts";
import { RIGHTS } from "../../config/rights.ts";
import { printable, quoted, type Style } from "./output.ts";
import { type Column, table, titled } from "./table.ts";

const SIGNED_IN = {
  "admin-token": "by ADMIN_TOKEN, which may do everything",
  token: "by a token of ADMIN_TOKENS",
  access: "by Cloudflare Access",
} as const satisfies Record<Me["via"], string>;

/** Who has signed in, how, and a line for each pool in which they have any right. */
export function meView({ name, via, pools }: Me, style: Style, width?: number): string[] {
  const head = `${style("bold", quoted(name))}, signed in ${SIGNED_IN[via] ?? printable(via)}`;
  const rows = Object.entries(pools);
  if (rows.length === 0) return [head, "has no right for any pool that is configured"];
  const columns: Column<(typeof rows)[number]>[] = [
    { title: "POOL", cell: ([pool]) => style("bold", printable(pool)) },
    ...RIGHTS.map((right) => ({
      title: right.toUpperCase(),
      cell: ([, rights]: (typeof rows)[number]) => (rights.includes(right) ? style("green", "yes") : "–"),
    })),
  ];
  return [head, "", ...titled(table(columns, rows, width), style)];
}
