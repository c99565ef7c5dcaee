/** The one style sheet of our pages, which stand alone: no asset of theirs could be served where a pool is. */
export const STYLE =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}";

/** Of STYLE's text; a test computes it. */
const STYLE_DIGEST = "sha256-1pIBCs/Pcix0nTJHKsMaosxi5LuYgp2nlmZHsdk/Kug=";

/**
 * On every answer of our own: a browser takes it for nothing else than it says, loads nothing for it, and shows it
 * in no other page. Servers' answers are theirs.
 */
export const OWN_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": [
    "default-src 'none'",
    `style-src '${STYLE_DIGEST}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
};
