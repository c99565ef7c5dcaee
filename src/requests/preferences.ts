/** What of a `Prefer` header concerns deferred requests (RFC 7240). */
export interface Preferences {
  respondAsync: boolean;
  /** How long the client would wait for the answer itself, in ms; `null`: it does not say. */
  waitMs: number | null;
}

/** No client waits longer; in ms. Cloudflare closes connections that are idle for 400 s (2026-11). */
const LONGEST_WAIT_MS = 300_000;

/** Of a preference that is stated twice, the first counts. */
export function preferencesOf(headers: Headers): Preferences {
  const found = new Map<string, string>();
  for (const { name, value } of parse(headers)) if (!found.has(name)) found.set(name, value);
  const statedMs = msOf(found.get("wait"));
  const waitMs = statedMs === null ? null : Math.min(statedMs, LONGEST_WAIT_MS);
  return { respondAsync: found.has("respond-async"), waitMs };
}

/** How long the client would wait for a slot, in ms, as it says; `null`: it does not. */
export function patienceOf(headers: Headers): number | null {
  return msOf(parse(headers).find(({ name }) => name === "wait")?.value);
}

function msOf(wait = ""): number | null {
  return /^\d{1,9}$/.test(wait) ? Number(wait) * 1_000 : null;
}

/** The header without the preferences above, which Sluice has met; `null`: nothing else was preferred. */
export function otherPreferences(headers: Headers): string | null {
  const others = parse(headers).filter(({ name }) => name !== "respond-async" && name !== "wait");
  return others.length === 0 ? null : others.map(({ text }) => text).join(", ");
}

/** The preferences, each with its name, perhaps a value, and its text with all parameters. */
function parse(headers: Headers): { name: string; value: string; text: string }[] {
  return split(headers.get("prefer") ?? "", ",").map((text) => {
    const [preference = ""] = split(text, ";");
    const [name = "", ...value] = preference.split("=");
    return { name: name.trim().toLowerCase(), value: unquoted(value.join("=").trim()), text };
  });
}

/**
 * Splits at `separator`, but not within quotes; without empty parts. Not by a regular expression: anybody may send the
 * header, and one that backtracks takes for ever (ReDoS).
 */
function split(header: string, separator: "," | ";"): string[] {
  const parts: string[] = [];
  let isQuoted = false;
  let begin = 0;
  for (let at = 0; at <= header.length; at++) {
    const char = header[at];
    if (char === '"') isQuoted = !isQuoted;
    else if (char === "\\" && isQuoted) at++;
    if (at < header.length && (isQuoted || char !== separator)) continue;
    const part = header.slice(begin, at).trim();
    if (part !== "") parts.push(part);
    begin = at + 1;
  }
  return parts;
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
