/** Refusals with the bodies that an operator has set for them (`pages`), in place of Sluice's own. */
import { bound } from "../config/bindings.ts";
import { objectIn, type PAGE_PLACEHOLDERS, type Page, type Pages } from "../config/pages.ts";
import type { Refusal } from "./refusal.ts";
import { escapeHtml, refusalResponse } from "./response.ts";

/**
 * The operator's page loads what it likes, and may say in a `<meta>` what else it is not to. Only that nobody shows it in
 * a frame could not be said there.
 */
export const OWN_PAGE_POLICY = "frame-ancestors 'none'";

/** `env`: has the variables that `pages` names. `parseConfig` has refused those that are missing or wrong. */
export function poolRefusalResponse(
  env: object,
  pages: Pages,
  refusal: Refusal,
  request: Request,
  requestId: string,
): Response {
  const { html, json } = (pages as Partial<Record<string, Page>>)[refusal.code] ?? NO_PAGE;
  const template = textOf(env, html);
  const members = objectIn(textOf(env, json) ?? "{}") ?? {};
  if (template === null) return refusalResponse(refusal, request, requestId, members);
  const page = () => filledIn(template, refusal, requestId);
  const response = refusalResponse(refusal, request, requestId, members, page);
  const isPage = response.headers.get("Content-Type")?.startsWith("text/html");
  if (isPage) response.headers.set("Content-Security-Policy", OWN_PAGE_POLICY);
  return response;
}

const NO_PAGE: Page = { html: null, json: null };

function textOf(env: object, name: string | null): string | null {
  const text = name === null ? null : bound(env, name);
  return typeof text === "string" ? text : null;
}

/** Fills in the placeholders as text, so that nothing that a client has sent becomes markup. */
function filledIn(template: string, refusal: Refusal, requestId: string): string {
  const values: Record<string, string> & Record<(typeof PAGE_PLACEHOLDERS)[number], string> = {
    message: refusal.message,
    requestId,
    retryAfter: String(refusal.retryAfterS ?? ""),
    pool: refusal.pool ?? "",
  };
  // In one go: a placeholder in a value stays as it is.
  return template.replace(/\{\{(message|requestId|retryAfter|pool)\}\}/g, (_, name: string) =>
    escapeHtml(values[name] ?? ""),
  );
}
