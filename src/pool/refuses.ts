import { openSocket } from "./socket.ts";

/**
 * Whether nothing listens where a `fetch` has just thrown. `fetch` says "Network connection lost." both of a refused
 * connection and of one that the server broke off; of a name that cannot be resolved it says something else. `connect`
 * tells: `opened` rejects at once where the connection is refused (workerd 2026-11-17). Nothing is sent.
 */
export async function refuses(origin: string, thrown: unknown): Promise<boolean> {
  if (!isConnectionLost(thrown)) return false;
  const socket = openSocket(origin);
  try {
    await socket.opened;
  } catch {
    return true;
  }
  await socket.close();
  return false;
}

function isConnectionLost(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Network connection lost");
}
