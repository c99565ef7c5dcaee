import type { ServerSnapshot } from "../../scheduler/snapshot.ts";

/** True if every slot of the server is in quarantine. */
export function isClosed({ slots, quarantined }: Pick<ServerSnapshot, "slots" | "quarantined">): boolean {
  return quarantined >= slots;
}

/** When the first slot of a server opens of which all are closed; `null`: another is open. */
export function opensAt(server: ServerSnapshot): string | null {
  if (!isClosed(server)) return null;
  const [first = null] = server.leases.flatMap(({ until }) => until ?? []).sort();
  return first;
}
