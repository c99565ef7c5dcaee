/** What the admin routes take. Unknown keys are refused, so that a misspelt `expires` is noticed. */
import * as z from "zod/mini";
import { duration, flag, oneOf, table, text, whole } from "../config/fields.ts";

const LONGEST_TEXT = 200;

function words() {
  return text(
    (given) => (given.length > 0 && given.length <= LONGEST_TEXT ? given : undefined),
    "is not a text",
    `a text of 1 to ${LONGEST_TEXT} characters`,
  );
}

/** Who drains when nobody says: one operator with curl. */
const DEFAULT_OWNER = "admin";

export const drainBody = table({
  wait: z.prefault(duration(), "0s"),
  expires: z.optional(duration("1ms")),
  owner: z.prefault(words(), DEFAULT_OWNER),
  reason: z.optional(words()),
  extend: z._default(flag(), false),
});

export const resumeBody = table({
  owner: z.prefault(words(), DEFAULT_OWNER),
  force: z._default(flag(), false),
});

const serverState = () => oneOf(["ready", "drain", "maint"]);

export const serverBody = table({
  state: z.optional(serverState()),
  slots: z.optional(z.nullable(whole(1, 1000))),
  weight: z.optional(z.nullable(whole(1, 256))),
  ifState: z.optional(serverState()),
  owner: z.optional(words()),
});
