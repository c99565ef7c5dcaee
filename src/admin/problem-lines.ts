import type * as z from "zod/mini";
import { problemsOf } from "../config/fields.ts";
import { problemLine } from "../config/problem.ts";

/** All that is wrong with a part of a request, a line each: `body.wait: "x" is not a duration; allowed: …`. */
export function problemLines(part: "body" | "query", issues: readonly z.core.$ZodIssue[]): string {
  return issues
    .flatMap(problemsOf)
    .map(({ path, text }) => problemLine({ path: [part, ...path], text }))
    .join("\n");
}
