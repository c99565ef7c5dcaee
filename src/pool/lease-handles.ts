import type { Taken } from "../link/protocol.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { LeaseHandle } from "./handles.ts";

/** The handles that holders have of their leases, by the leases' ids. */
export class LeaseHandles {
  readonly #scheduler: Scheduler;
  readonly #onRenew: (id: string) => boolean;
  readonly #onLost: (id: string) => void;
  readonly #handles = new Map<string, LeaseHandle>();

  /** `lost`: called when the holder of a lease is gone before the lease has ended. */
  constructor(scheduler: Scheduler, on: { renew: (id: string) => boolean; lost: (id: string) => void }) {
    this.#scheduler = scheduler;
    this.#onRenew = on.renew;
    this.#onLost = on.lost;
  }

  /** Disposing it has consequences only while it is the lease's in `#handles`, and the lease has not ended. */
  create(id: string): LeaseHandle {
    const handle: LeaseHandle = new LeaseHandle({
      renew: () => this.#onRenew(id),
      dispose: () => this.#handles.get(id) === handle && this.#onLost(id),
    });
    return handle;
  }

  /** The lease may have been cut off before its holder had a handle. */
  keep(id: string, handle: LeaseHandle): void {
    this.#handles.set(id, handle);
    if (this.#scheduler.isCutOff(id)) LeaseHandle.tell(handle, "cut");
  }

  /** Tells the holder, if it has a handle, that the slot was taken from it. */
  tellTaken(id: string, why: Taken): void {
    const handle = this.#handles.get(id);
    if (handle) LeaseHandle.tell(handle, why);
  }

  /** To be called when the lease has ended. */
  delete(id: string): void {
    this.#handles.delete(id);
  }
}
