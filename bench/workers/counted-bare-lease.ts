/** bare-lease.ts with its messages, its rows and what its object grants counted; see counted.ts. */
import bareLease, { type Env, Slots as RealSlots } from "./bare-lease.ts";
import { count, counted, countRows, withCountedCalls } from "./parts/counting.ts";

export class Slots extends RealSlots {
  constructor(ctx: DurableObjectState, env: Env) {
    countRows("slots", ctx.storage.sql);
    super(ctx, env);
  }

  override enter(...given: Parameters<RealSlots["enter"]>): ReturnType<RealSlots["enter"]> {
    // At once or later.
    count("granted");
    return super.enter(...given);
  }
}

export default counted(bareLease, (env: Env): Env => {
  const slots: Pick<Env["SLOTS"], "getByName"> = {
    getByName: (name) => withCountedCalls("slots", env.SLOTS.getByName(name)),
  };
  return { ...env, SLOTS: slots as Env["SLOTS"] };
});
