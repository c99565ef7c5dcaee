/// <reference path="./text.d.ts" />
/**
 * The dashboard: one page and what it loads, as texts in the Worker's bundle. By the import attribute, which esbuild
 * honours; wrangler's own text modules would be files beside the bundle.
 */
import { type Context, Hono } from "hono";
import { etag } from "hono/etag";
import uplotJs from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import uplotCss from "uplot/dist/uPlot.min.css" with { type: "text" };
import uplotLicence from "uplot/LICENSE" with { type: "text" };
import { needs } from "../admin/rights.ts";
import type { AdminEnv } from "../admin/sign-in/admin-env.ts";
import { qualityOf } from "../refusals/response.ts";
import auditCss from "./page/audit.css" with { type: "text" };
import deferredCss from "./page/deferred.css" with { type: "text" };
import dialogCss from "./page/dialog.css" with { type: "text" };
import flowsCss from "./page/flows.css" with { type: "text" };
import forcedCss from "./page/forced.css" with { type: "text" };
import frameCss from "./page/frame.css" with { type: "text" };
// Not .html: wrangler takes that for one of its own text modules, whatever the attribute says (4.164).
import indexHtm from "./page/index.htm" with { type: "text" };
import listsCss from "./page/lists.css" with { type: "text" };
import poolCss from "./page/pool.css" with { type: "text" };
import themeCss from "./page/theme.css" with { type: "text" };
// Made of the modules in page/ by `npm run build:page`.
import pageJs from "./page.min.js" with { type: "text" };

const HTML = "text/html; charset=utf-8";
const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

const STYLE = [
  uplotCss,
  themeCss,
  frameCss,
  poolCss,
  listsCss,
  deferredCss,
  flowsCss,
  auditCss,
  dialogCss,
  forcedCss,
];

/** By name under `assets/`: text and type. */
const ASSETS = new Map([
  ["page.js", [pageJs, SCRIPT]],
  // uPlot's licence asks to come with every copy; the minified file has only a link.
  ["uplot.js", [`/*!\n${uplotLicence}\n*/\n${uplotJs}`, SCRIPT]],
  ["style.css", [STYLE.join("\n"), CSS]],
] as const);

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  // A browser asks each time, usually for a 304, so that after a deploy no page is half old and half new.
  "Cache-Control": "private, no-cache",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  Vary: "Accept-Encoding",
  "X-Content-Type-Options": "nosniff",
};

/** Only a document has a policy and an opener. */
const PAGE_HEADERS = {
  ...HEADERS,
  "Content-Security-Policy": POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
};

/** Mounted where its API is, behind the same authentication. */
export const dashboard = new Hono<AdminEnv>()
  // `/_sluice/`: of a mere "/", Hono makes `/_sluice` when it is mounted.
  // Weak tags: the text and its gzip share one.
  .get("/:nothing{$}", needs("look"), etag({ weak: true }), (c) => asset(c, indexHtm, HTML, PAGE_HEADERS))
  .get("/assets/:name", needs("look"), etag({ weak: true }), (c) => {
    const [text, type] = ASSETS.get(c.req.param("name") as "page.js") ?? [];
    return text === undefined || type === undefined ? c.notFound() : asset(c, text, type, HEADERS);
  });

function asset(c: Context, text: string, type: string, headers: Record<string, string>): Response {
  // The runtime compresses a body whose headers name a coding.
  const accepted = c.req.header("accept-encoding") ?? "";
  const gzip: Record<string, string> = qualityOf(accepted, "gzip") > 0 ? { "Content-Encoding": "gzip" } : {};
  return c.body(text, 200, { ...headers, ...gzip, "Content-Type": type });
}
