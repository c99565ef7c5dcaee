import type { Act } from "../../src/link/act.ts";

/** What somebody does whose name does not matter. */
export const ACT: Act = { id: "an act", by: "me", via: "admin-token", address: null, agent: null };
