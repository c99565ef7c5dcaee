/** The JSON bodies of the admin routes. An unknown key is an error, so that a misspelt `expires` is noticed. */
import type { MiddlewareHandler } from "hono";
import * as z from "zod/mini";
import { duration, flag, oneOf, table, text, whole } from "../config/fields.ts";
import { SLOTS, WEIGHT } from "../config/limits.ts";
import { origin } from "../config/names.ts";
import { inspect } from "../config/problem.ts";
import { Refusal } from "../refusals/refusal.ts";
import { problemLines } from "./problem-lines.ts";

/** In characters. */
const LARGEST_BODY = 64 * 1024;

const LONGEST_TEXT = 200;
/** Of what an operator has to say to clients. */
const LONGEST_MESSAGE = 500;

function shortText(longest = LONGEST_TEXT) {
  return text(
    (given) => (given.length > 0 && given.length <= longest ? given : undefined),
    "is not a text",
    `a text of 1 to ${longest} characters`,
    { minLength: 1, maxLength: longest },
  );
}

export const drainBody = table({
  wait: z.prefault(duration(), "0s"),
  expires: z.optional(duration("1ms")),
  /** Without one, who asks. */
  owner: z.optional(shortText()),
  reason: z.optional(shortText()),
  extend: z._default(flag(), false),
  cut: z.optional(duration()),
});

export const stopBody = table({
  wait: z.prefault(duration(), "0s"),
  expires: z.optional(duration("1ms")),
  /** Without one, who asks. */
  owner: z.optional(shortText()),
  message: z.optional(shortText(LONGEST_MESSAGE)),
  cut: z.optional(duration()),
});

export const resumeBody = table({
  owner: z.optional(shortText()),
  force: z._default(flag(), false),
});

const serverState = () => oneOf(["ready", "drain", "maint"]);

export const serverBody = table({
  state: z.optional(serverState()),
  slots: z.optional(z.nullable(whole(...SLOTS))),
  weight: z.optional(z.nullable(whole(...WEIGHT))),
  ifState: z.optional(serverState()),
  owner: z.optional(shortText()),
  cut: z.optional(duration()),
}).check((checked) => {
  const { state, cut } = checked.value;
  if (cut === undefined || state === "drain" || state === "maint") return;
  const message = 'has no effect without the state "drain" or "maint"';
  checked.issues.push({ code: "custom", path: ["cut"], message, input: cut });
});

export const registrationBody = table({
  url: origin(),
  slots: z.optional(whole(...SLOTS)),
  weight: z._default(whole(...WEIGHT), 1),
  backup: z._default(flag(), false),
  /** Without one, it stays. */
  expires: z.optional(duration("1s")),
  renew: z._default(flag(), false),
});

/**
 * Validates the request's JSON against `schema`, whatever its content type is: curl's default is form data. No body is
 * an empty object. The refusal lists all problems at once.
 */
export function jsonBody<Schema extends z.ZodMiniType>(
  schema: Schema,
): MiddlewareHandler<object, string, { in: { json: z.input<Schema> }; out: { json: z.output<Schema> } }> {
  return async (c, next) => {
    const result = schema.safeParse(parse(await c.req.text()));
    if (!result.success) throw new Refusal("invalid-request", problemLines("body", result.error.issues));
    c.req.addValidatedData("json", result.data as object);
    await next();
  };
}

function parse(body: string): unknown {
  if (body.length > LARGEST_BODY)
    throw new Refusal("invalid-request", `body: longer than ${LARGEST_BODY} characters`);
  if (body.trim() === "") return {};
  try {
    return JSON.parse(body);
  } catch {
    throw new Refusal("invalid-request", `body: ${inspect(body)} is not JSON`);
  }
}
