/** Names of bindings, and of what passes them on. */
import { OWN_BINDINGS } from "../../config/bindings.ts";

/** Of the names of what `sluice serve` itself gives to its front module. */
export const OWN_PREFIX = "SLUICE_SERVE_";

/** True for what Sluice itself binds: another binding of that name would take its place. */
export function isOwn(name: string): boolean {
  return OWN_BINDINGS.includes(name) || name.startsWith(OWN_PREFIX);
}

/** The variable of the runtime's environment that holds this secret. By its own name, `LD_PRELOAD` would be obeyed. */
export function environmentName(secret: string): string {
  return `${OWN_PREFIX}SECRET_${secret}`;
}
