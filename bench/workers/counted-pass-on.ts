/** pass-on.ts with its messages, its rows and what its object grants counted; see counted.ts. */
import { count, counted, countRows, withCountedCalls } from "./parts/counting.ts";
import passOn, { type Env, Slots as RealSlots } from "./pass-on.ts";

export class Slots extends RealSlots {
  constructor(ctx: DurableObjectState, env: Env) {
    countRows("slots", ctx.storage.sql);
    super(ctx, env);
  }

  override enter(...given: Parameters<RealSlots["enter"]>): ReturnType<RealSlots["enter"]> {
    const server = super.enter(...given);
    count(server === null ? "heirs" : "granted");
    return server;
  }
}

export default counted(passOn, (env: Env): Env => {
  const slots: Pick<Env["SLOTS"], "getByName"> = {
    getByName: (name) => withCountedCalls("slots", env.SLOTS.getByName(name)),
  };
  return { ...env, SLOTS: slots as Env["SLOTS"] };
});
