import type { MiddlewareHandler } from "hono";
import type * as z from "zod/mini";
import { pathOf, inspect } from "../config/problem.ts";
import { Refusal } from "../refusals/refusal.ts";

const LARGEST_BODY = 64 * 1024;

/**
 * Reads the request's JSON against `schema`, whatever its content type says (curl says form data); no body is
 * an empty object. What is wrong is refused by name, all of it at once.
 */
export function jsonBody<Schema extends z.ZodMiniType>(
  schema: Schema,
): MiddlewareHandler<object, string, { in: { json: z.input<Schema> }; out: { json: z.output<Schema> } }> {
  return async (c, next) => {
    const result = schema.safeParse(parse(await c.req.text()));
    if (!result.success) throw new Refusal("invalid-request", result.error.issues.flatMap(worded).join("\n"));
    c.req.addValidatedData("json", result.data as object);
    await next();
  };
}

function parse(text: string): unknown {
  if (text.length > LARGEST_BODY)
    throw new Refusal("invalid-request", `body: longer than ${LARGEST_BODY} characters`);
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal("invalid-request", `body: ${inspect(text)} is not JSON`);
  }
}

function worded(issue: z.core.$ZodIssue): string[] {
  const path = ["body", ...issue.path];
  if (issue.code !== "unrecognized_keys") return [`${pathOf(path)}: ${issue.message}`];
  const lines = issue.message.split("\n");
  return issue.keys.map((key, index) => `${pathOf([...path, key])}: ${lines[index]}`);
}
