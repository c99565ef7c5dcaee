import { callForStatus, type DeferredRequest, poolPath } from "./api.ts";
import type { Act } from "./perform.ts";

/** What the page knows of the list of deferred requests; `found`: the request as it was listed last. */
export interface Listing {
  find: (id: string) => DeferredRequest | undefined;
  /** To be called after an act that Sluice has accepted. */
  refresh: () => void;
}

export function cancelAct(pool: string, request: DeferredRequest, { find, refresh }: Listing): Act {
  const name = nameOf(request);
  const states: Partial<Record<DeferredRequest["state"], string>> = {
    canceled: `${name} is canceled.`,
    answered: `${name} was answered before it could be stopped.`,
    failed: `${name} failed before it could be stopped.`,
  };
  const listed = () => states[find(request.id)?.state ?? "running"];
  return {
    pool,
    name: `Canceling ${name}`,
    send: async () => {
      const status = await callForStatus("DELETE", `${pathOf(pool, request)}?forget=false`);
      refresh();
      const told = `${name} was told to stop.`;
      return { say: () => (status === 202 ? (listed() ?? told) : `${name} is canceled.`) };
    },
    arrived: () => listed() ?? null,
  };
}

export function retryAct(pool: string, request: DeferredRequest, { find, refresh }: Listing): Act {
  const name = nameOf(request);
  const states: Record<DeferredRequest["state"], string> = {
    queued: `${name} waits again.`,
    running: `${name} is at a server again.`,
    answered: `${name} is answered.`,
    failed: `${name} has failed again.`,
    canceled: `${name} is canceled.`,
  };
  const listed = () => {
    const found = find(request.id);
    // A retry has a number of its own: what is listed under the one before is from before.
    return found && found.number > request.number ? states[found.state] : null;
  };
  return {
    pool,
    name: `Retrying ${name}`,
    send: async () => {
      await callForStatus("POST", `${pathOf(pool, request)}/retry`);
      refresh();
      return { say: () => listed() ?? `${name} was put on the waiting list again.` };
    },
    arrived: listed,
  };
}

export function nameOf({ method, path }: DeferredRequest): string {
  return `${method} ${path}`;
}

function pathOf(pool: string, { id }: DeferredRequest): string {
  return `${poolPath(pool)}/deferred/${encodeURIComponent(id)}`;
}
