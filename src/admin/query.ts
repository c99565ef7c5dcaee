/** The queries of the admin routes. As in the bodies, an unknown key is an error. */
import type { MiddlewareHandler } from "hono";
import * as z from "zod/mini";
import { duration, oneOf, table, text } from "../config/fields.ts";
import { origin } from "../config/names.ts";
import { Refusal } from "../refusals/refusal.ts";
import type { Cursor } from "./audit.ts";
import { problemLines } from "./problem-lines.ts";

const MOST_LISTED = 1_000;

export const deferredQuery = table({
  state: z.optional(oneOf(["queued", "running", "answered", "failed", "canceled"])),
  limit: z.prefault(wholeText(1, MOST_LISTED), "100"),
  after: z.prefault(wholeText(0, Number.MAX_SAFE_INTEGER), "0"),
});

export const auditQuery = table({
  pool: z.optional(z.string()),
  limit: z.prefault(wholeText(1, MOST_LISTED), "100"),
  before: z.optional(cursor()),
});

export const cancelQuery = table({ forget: z.optional(oneOf(["true", "false"])) });

export const removalQuery = table({ wait: z.prefault(duration(), "0s"), url: z.optional(origin()) });

/** Validates the request's query against `schema`. The refusal lists all problems at once. */
export function query<Schema extends z.ZodMiniType>(
  schema: Schema,
): MiddlewareHandler<object, string, { in: { query: z.input<Schema> }; out: { query: z.output<Schema> } }> {
  return async (c, next) => {
    const result = schema.safeParse(Object.fromEntries(new URL(c.req.url).searchParams));
    if (!result.success) throw new Refusal("invalid-request", problemLines("query", result.error.issues));
    c.req.addValidatedData("query", result.data as object);
    await next();
  };
}

/** The `next` of an earlier answer. */
function cursor() {
  const pattern = /^(\d{1,15})-(\d{1,15})-(.{1,63})$/;
  const read = (given: string): Cursor | undefined => {
    const [, at, id, pool] = pattern.exec(given) ?? [];
    return pool === undefined ? undefined : { at: Number(at), id: Number(id), pool };
  };
  return text(read, "is no place in the list", "the `next` of an earlier answer", { pattern });
}

/** A whole number, which in a query is a text. */
function wholeText(least: number, most: number) {
  const isWhole = (given: unknown) => typeof given === "string" && /^\d+$/.test(given);
  return text(
    (given) =>
      isWhole(given) && Number(given) >= least && Number(given) <= most ? Number(given) : undefined,
    (given) => (isWhole(given) ? "is out of range" : "is not a whole number"),
    `${least} to ${most}`,
    { type: "integer", minimum: least, maximum: most },
  );
}
