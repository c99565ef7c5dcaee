/** What of a `Prefer` header concerns deferred requests (RFC 7240). */
export interface Preferences {
  respondAsync: boolean;
  /** How long the client would wait for the answer itself, in ms; `null`: it does not say. */
  waitMs: number | null;
}

/** No client waits longer; in ms. Cloudflare closes connections that are idle for 400 s (2026-11). */
const LONGEST_WAIT_MS = 300_000;

/** A preference: its name, perhaps a value, and parameters. Quoted values may contain commas and semicolons. */
const PREFERENCE =
  /\s*([^\s=;,"]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?((?:\s*;[^,"]*(?:"(?:[^"\\]|\\.)*")?)*)\s*(?:,|$)/gy;

/** Of a preference that is stated twice, the first counts. */
export function preferencesOf(headers: Headers): Preferences {
  const found = new Map<string, string>();
  for (const { name, value } of parse(headers)) if (!found.has(name)) found.set(name, value);
  const wait = found.get("wait") ?? "";
  const waitMs = /^\d{1,9}$/.test(wait) ? Math.min(Number(wait) * 1_000, LONGEST_WAIT_MS) : null;
  return { respondAsync: found.has("respond-async"), waitMs };
}

/** The header without the preferences above, which Sluice has met; `null`: nothing else was preferred. */
export function otherPreferences(headers: Headers): string | null {
  const others = parse(headers).filter(({ name }) => name !== "respond-async" && name !== "wait");
  return others.length === 0 ? null : others.map(({ text }) => text).join(", ");
}

function parse(headers: Headers): { name: string; value: string; text: string }[] {
  const header = headers.get("prefer") ?? "";
  return [...header.matchAll(PREFERENCE)].map(([text, name = "", value = ""]) => ({
    name: name.toLowerCase(),
    value: value.replace(/^"(.*)"$/s, "$1"),
    text: text.replace(/,$/, "").trim(),
  }));
}
