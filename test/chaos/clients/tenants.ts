import { Random } from "../random.ts";

/** What tells clients apart, and whose requests go ahead. */
export const CLIENT = "x-client";
export const PLAN = "x-plan";

/** Whose request it is: one client sends half of all, and some say nothing. */
const CLIENTS = { heavy: 50, a: 8, b: 8, c: 8, d: 8, e: 8, nobody: 10 };
const PLANS = { none: 84, gold: 8, batch: 8 };

/** Of the plans that are told apart, by how much their requests go ahead, in ms. */
export const AHEAD_MS = { gold: 1_500, batch: -1_000 };

export interface Tenant {
  /** `null`: nothing tells. */
  flow: string | null;
  aheadMs: number;
  headers: Record<string, string>;
}

/** `id`: the last number in it tells those of a crowd apart, who are all one client's. */
export function drawTenant(id: string): Tenant {
  const client = new Random(0).fork(id.replace(/-\d+$/, " client")).weighted(CLIENTS);
  const plan = new Random(0).fork(`${id} plan`).weighted(PLANS);
  const flow = client === "nobody" ? null : client;
  return {
    flow,
    aheadMs: plan === "none" ? 0 : AHEAD_MS[plan],
    headers: { ...(flow === null ? {} : { [CLIENT]: flow }), ...(plan === "none" ? {} : { [PLAN]: plan }) },
  };
}
