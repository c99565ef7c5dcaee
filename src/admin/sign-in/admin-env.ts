import type { Env } from "../../link/env.ts";
import type { Operator } from "../operator.ts";

/** What every route of the admin side finds in its context. */
export interface AdminEnv {
  Bindings: Env;
  Variables: {
    /** Who has signed in. */
    operator: Operator;
  };
}
