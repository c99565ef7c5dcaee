/** Sluice as it is, its pool's objects in processes of their own; see parts/spread.ts. */
import sluice, { Pool as RealPool } from "../../src/index.ts";
import { Gate, nameAgain, type SpreadEnv, withSpreadObjects } from "./parts/spread.ts";

export { Deferred } from "../../src/index.ts";

export class Pool extends RealPool {
  readonly #gate: Gate;

  constructor(ctx: DurableObjectState, env: SpreadEnv) {
    nameAgain(ctx, env);
    super(ctx, withSpreadObjects(env));
    this.#gate = new Gate(env);
  }

  override enter(...given: Parameters<RealPool["enter"]>): ReturnType<RealPool["enter"]> {
    return this.#gate.through(() => super.enter(...given));
  }
}

export default {
  fetch: (request, env, ctx) => sluice.fetch(request, withSpreadObjects(env), ctx),
} satisfies ExportedHandler<SpreadEnv>;
