import { loadConfig } from "../config/load.ts";
import { mayRegister } from "../config/register.ts";
import { identityOf, withoutLastDot } from "../config/server-identity.ts";
import type { PoolConfig, ServerConfig } from "../config/types.ts";
import type { NotRegistered, Registration } from "../link/protocol.ts";
import type { RegisterRequest } from "../scheduler/fleet/registrations.ts";
import type { Server } from "../scheduler/fleet/server.ts";
import type { RegisteredRow, RestoredRegistration } from "../scheduler/terms/rows.ts";

/** What the scheduler is told of a server that registers. */
export function registerRequest(
  { expiresMs, ...said }: Registration,
  { register }: PoolConfig,
  by: string,
  now: number,
): RegisterRequest {
  const binding = register?.binding ?? null;
  const identity = identityOf({ ...said, binding }, false);
  const expiresAt = expiresMs === null ? Number.POSITIVE_INFINITY : now + expiresMs;
  return { ...said, binding, identity, expiresAt, by };
}

/** What an earlier instance left, whose configuration may have been another one. */
export function restoredRegistrations(
  rows: readonly RegisteredRow[],
  { register }: PoolConfig,
): RestoredRegistration[] {
  return rows.map((row) => ({ ...row, allowed: mayRegister(register, row) }));
}

/** Why the configuration does not let a server register; `null`: it does. */
export function registrationRefusal(
  env: object,
  { name: pool, register }: PoolConfig,
  server: RegisterRequest,
): NotRegistered | null {
  const { url } = server;
  const spelling = withoutLastDot(url);
  if (spelling !== url)
    return refused("registration-refused", `${url} is spelt ${spelling}, without the last dot.`);
  if (register === null)
    return refused(
      "registration-refused",
      `The pool ${pool} has no key "register", so no server may register.`,
    );
  if (!mayRegister(register, server))
    return refused("registration-refused", `${url} is not among the "register.urls" of the pool ${pool}.`);
  const owner = ownerOf(env, pool, server.identity);
  return owner
    ? refused("server-known", `${url} is a server of the pool ${owner} by the configuration.`)
    : null;
}

/** Why it may not, though the configuration would let it. */
export function notRegistered(
  { name: pool, register }: PoolConfig,
  servers: readonly Server[],
  { name, identity, url }: RegisterRequest,
  answer: "known" | "full",
): NotRegistered {
  if (answer === "full") {
    const most = `as many servers as "register.max" allows (${register?.max})`;
    return refused("registration-full", `The pool ${pool} has ${most}, of those that register.`);
  }
  const there = servers.filter(({ retired }) => !retired);
  const other = there.find((one) => one.identity === identity && one.name !== name);
  if (other)
    return refused("server-known", `${url} is that of the server "${other.name}" of the pool ${pool}.`);
  const namesake = there.find((one) => one.name === name);
  return refused(
    "server-known",
    namesake?.registration
      ? `"${name}" is the server at ${namesake.url} of the pool ${pool} by now.`
      : `"${name}" is a server of the pool ${pool} by the configuration.`,
  );
}

/** The pool that has the server by its configuration, besides this one. Each counts its own requests only. */
function ownerOf(env: object, pool: string, identity: string): string | undefined {
  const isIt = (server: ServerConfig) => !server.shared && server.identity === identity;
  for (const [name, { servers }] of loadConfig(env).pools)
    if (name !== pool && servers.some(isIt)) return name;
  return undefined;
}

function refused(code: NotRegistered["refused"], because: string): NotRegistered {
  return { refused: code, because };
}
