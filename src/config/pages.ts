/** The key `pages` of a pool: own bodies for refusals, each the text of one of the Worker's variables. */
import * as z from "zod/mini";
import { type Bindings, OWN_TEXTS } from "./bindings.ts";
import { errorOption, table, tableOr } from "./fields.ts";
import { bindingName } from "./names.ts";
import { inspect, type Problem } from "./problem.ts";
import type { RequestHeaders } from "./request-headers.ts";

/** The refusals of a pool that requests meet on their way to a server. */
export const PAGE_CODES = [
  "stopped",
  "queue-full",
  "flow-queue-full",
  "queue-timeout",
  "no-server",
  "server-timeout",
  "bad-gateway",
  "cut-off",
  "client-timeout",
  "pool-unavailable",
] as const;

/** What is filled in where an own page has one of these names in double braces. */
export const PAGE_PLACEHOLDERS = ["message", "requestId", "retryAfter", "pool"] as const;

/** Names of variables; `null`: the body is Sluice's own. */
export interface Page {
  html: string | null;
  /** Its text is a JSON object. */
  json: string | null;
}

/** By the refusal's code. */
export type Pages = { readonly [code in (typeof PAGE_CODES)[number]]?: Page };

const EXAMPLE = '"PAGE_BUSY" for HTML, or { html = "PAGE_BUSY", json = "PROBLEM_BUSY" }';

const onError = errorOption("names no page", EXAMPLE);

const kinds = table({ html: z.optional(bindingName()), json: z.optional(bindingName()) }).check(
  z.refine(({ html, json }) => html !== undefined || json !== undefined, onError),
);

const page = z.pipe(
  tableOr(kinds, bindingName()),
  z.transform((given): Page => {
    if (typeof given === "string") return { html: given, json: null };
    return { html: given.html ?? null, json: given.json ?? null };
  }),
);

export function pages() {
  const codes = Object.fromEntries(PAGE_CODES.map((code) => [code, z.optional(page)]));
  return z.pipe(
    table(codes),
    z.transform((given): Pages => given),
  );
}

/** What is wrong with the variables of pages; paths begin at the pool. `headers`: of the pool and its servers. */
export function wrongPages(pages: Pages, headers: RequestHeaders, bindings: Bindings): Problem[] {
  return Object.entries(pages).flatMap(([code, { html, json }]: [string, Page]) => {
    const problem = (kind: "html" | "json", name: string | null): Problem[] => {
      const text = name === null ? null : wrongText(name, kind, headers, bindings);
      return text === null ? [] : [{ path: ["pages", code], text }];
    };
    return [...problem("html", html), ...problem("json", json)];
  });
}

/** Not in the message: its value. */
function wrongText(
  name: string,
  kind: "html" | "json",
  headers: RequestHeaders,
  bindings: Bindings,
): string | null {
  const isSecret = headers.some(([, value]) => typeof value !== "string" && value.secret === name);
  if (isSecret || OWN_TEXTS.test(name)) return `${inspect(name)} is a secret, which a page would tell to all`;
  const value = bindings.variableOf(name);
  if (value === undefined) return `there is no variable ${inspect(name)}; set it: ${name} = "…" in [vars]`;
  if (typeof value !== "string") return `the variable ${inspect(name)} is not a text`;
  if (kind === "json" && objectIn(value) === null)
    return `the variable ${inspect(name)} is not a JSON object; allowed: such as '{ "title": "Back soon" }'`;
  return null;
}

/** `null`: the text is not a JSON object. */
export function objectIn(text: string): Record<string, unknown> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : null;
}
