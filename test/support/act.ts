import type { Act } from "../../src/link/act.ts";

/** What somebody does whose name does not matter, each time anew. */
export function act(changes: Partial<Act> = {}): Act {
  return { id: crypto.randomUUID(), by: "me", via: "admin-token", address: null, agent: null, ...changes };
}
