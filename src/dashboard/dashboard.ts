import { type Context, Hono } from "hono";
import { etag } from "hono/etag";
import { assetText, HTML } from "./page.ts";

const TYPES: Record<string, string> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

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

const HEADERS: Record<string, string> = {
  // Asked for each time, so that a deploy is never half old and half new; usually the answer is 304.
  "Cache-Control": "private, no-cache",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  Vary: "Accept-Encoding",
  "X-Content-Type-Options": "nosniff",
};

/** Of the document; what it loads is no document. */
const PAGE_HEADERS = {
  ...HEADERS,
  "Content-Security-Policy": POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
};

/** The page, to be mounted where its API is, behind the same door. */
export const dashboard = new Hono()
  // Weak: the same tag for the text and for what it is compressed to.
  // `/_sluice/`; of a mere "/", Hono makes `/_sluice` when it is mounted.
  .get("/:nothing{$}", etag({ weak: true }), (c) => served(c, HTML, "text/html; charset=utf-8", PAGE_HEADERS))
  .get("/assets/:name", etag({ weak: true }), (c) => {
    const name = c.req.param("name");
    const text = assetText(name);
    const type = TYPES[name.slice(name.lastIndexOf(".") + 1)];
    return text === undefined || type === undefined ? c.notFound() : served(c, text, type, HEADERS);
  });

function served(c: Context, text: string, type: string, headers: Record<string, string>): Response {
  // The runtime compresses by itself what says that it is compressed.
  const gzip: Record<string, string> = takesGzip(c.req.header("accept-encoding") ?? "")
    ? { "Content-Encoding": "gzip" }
    : {};
  return c.body(text, 200, { ...headers, ...gzip, "Content-Type": type });
}

function takesGzip(accepted: string): boolean {
  return accepted.split(",").some((coding) => {
    const [name, quality = ""] = coding.split(";").map((part) => part.trim().toLowerCase());
    return name === "gzip" && !/^q=0(\.0*)?$/.test(quality);
  });
}
