/** What makes a server the same one to its pool, whatever it is called: its slots go by it. */
import type { ServerAddress } from "./types.ts";

/** `isNamespace`: the binding is one of Durable Objects, of which each server is the one with its name. */
export function identityOf(
  { name, url, binding }: ServerAddress & { name: string },
  isNamespace: boolean,
): string {
  if (binding === null) return url;
  return isNamespace ? `${binding} ${url} ${name}` : `${binding} ${url}`;
}

/** An identity or a URL, the same for all spellings: a trailing dot makes no other host. */
export function comparable(identity: string): string {
  return identity.replace(/(:\/\/[^\s:/]+)\.(?=[\s:]|$)/, "$1");
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
