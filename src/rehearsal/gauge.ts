import { DurableObject } from "cloudflare:workers";
import { ownPlace } from "./place.ts";

/** An object like a pool's, by whose calls is measured what a pool's cost. */
export class Gauge extends DurableObject {
  #writes = 0;

  call(): void {}

  /** Writes one row; the runtime holds the answer back until it is durable. */
  write(): void {
    this.ctx.storage.kv.put("writes", ++this.#writes);
  }

  place(): Promise<string | null> {
    return ownPlace();
  }
}
