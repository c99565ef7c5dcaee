/** What operators ask a pool for, as its audit and the log tell it. */
import type { Asked } from "./audit.ts";
import type { DrainRequest, Registration, ResumeRequest, ServerChange, StopRequest } from "./protocol.ts";

/** In characters; no name is longer, and a deferred request's id that somebody takes for one is not whole. */
const LONGEST_NAME = 63;

export function drainAsked({ owner, reason, expiresMs, cutMs, extend }: DrainRequest): Asked {
  return {
    act: "drain",
    owner,
    ...(reason === null ? {} : { reason }),
    ...(expiresMs === null ? {} : { expiresMs }),
    ...(cutMs === undefined ? {} : { cutMs }),
    ...(extend ? { extend } : {}),
  };
}

export function stopAsked({ owner, message, expiresMs, cutMs }: StopRequest): Asked {
  return {
    act: "stop",
    owner,
    ...(message === null ? {} : { message }),
    ...(expiresMs === null ? {} : { expiresMs }),
    ...(cutMs === undefined ? {} : { cutMs }),
  };
}

export function resumeAsked({ owner, force }: ResumeRequest): Asked {
  return { act: "resume", owner, ...(force === "no" ? {} : { force: true }) };
}

/** `null`: nothing was asked for. `sluice roll` has idle servers checked that way. */
export function serverAsked(name: string, { patch, ifState }: ServerChange): Asked | null {
  const { state, slots, weight, owner, cut } = patch;
  if (state === undefined && slots === undefined && weight === undefined) return null;
  return {
    act: "change-server",
    server: shortened(name),
    ...(state === undefined ? {} : { state }),
    ...(slots === undefined ? {} : { slots }),
    ...(weight === undefined ? {} : { weight }),
    ...(cut === undefined ? {} : { cutMs: cut }),
    ...(ifState === undefined ? {} : { ifState }),
    ...(owner === undefined ? {} : { owner }),
  };
}

export function registrationAsked({ name, url, slots, weight, expiresMs }: Registration): Asked {
  return {
    act: "register-server",
    server: name,
    url,
    ...(slots === null ? {} : { slots }),
    ...(weight === 1 ? {} : { weight }),
    ...(expiresMs === null ? {} : { expiresMs }),
  };
}

export function removalAsked(name: string, url: string | null): Asked {
  return { act: "remove-server", server: shortened(name), ...(url === null ? {} : { url }) };
}

export function slotAsked(lease: string): Asked {
  return { act: "free-slot", lease: shortened(lease) };
}

/** What stands for a name in a path, and may be anything. */
export function shortened(name: string): string {
  return name.slice(0, LONGEST_NAME);
}
