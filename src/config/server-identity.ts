/** What makes a server the same one to its pool, whatever it is called: its slots go by it. */
import type { ServerAddress } from "./types.ts";

/** `isNamespace`: the binding is one of Durable Objects, of which each server is the one with its name. */
export function identityOf(
  { name, url, binding }: ServerAddress & { name: string },
  isNamespace: boolean,
): string {
  const address = withoutLastDot(url);
  if (binding === null) return address;
  return isNamespace ? `${binding} ${address} ${name}` : `${binding} ${address}`;
}

/** The same URL for all spellings: a last dot makes no other host. */
export function withoutLastDot(url: string): string {
  return url.replace(/\.(?=(?::\d+)?$)/, "");
}

/**
 * The name of the server's object in its namespace. A retired server whose name another one has by now is called by its
 * identity (`Fleet`).
 */
export function objectNameOf(name: string): string {
  return name.split(" ")[2] ?? name;
}

/** The inverse of `identityOf`, for a server that the configuration has no more. */
export function addressOf(identity: string): ServerAddress {
  const [first = "", url] = identity.split(" ");
  return url === undefined ? { url: first, binding: null } : { url, binding: first };
}
