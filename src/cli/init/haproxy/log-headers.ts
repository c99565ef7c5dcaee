/** Headers that are captured, or in a format of the log: the key `log_headers`. */
import { MOST_LOG_HEADERS } from "../../../config/limits.ts";
import { logHeaders } from "../../../config/log-headers.ts";
import type { Value } from "../pool-table.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";

/** `lines`: of the frontends and the backend. */
export function logHeadersOf(lines: readonly Line[], remarks: Remarks): [string, Value][] {
  const logged = new Set<string>();
  for (const line of lines) {
    for (const { name, isResponse } of capturedBy(line)) {
      const key = `${isResponse ? "response:" : ""}${name.toLowerCase()}`;
      if (!logHeaders().safeParse([key]).success)
        remarks.add(
          line,
          "lost",
          `${name} is not logged: it has credentials, or is not the name of a header`,
        );
      else if (logged.size >= MOST_LOG_HEADERS && !logged.has(key))
        remarks.add(line, "lost", `${MOST_LOG_HEADERS} headers are the most`);
      else {
        logged.add(key);
        remarks.add(line, "became", `log_headers has ${JSON.stringify(key)}`);
      }
    }
  }
  return logged.size === 0 ? [] : [["log_headers", [...logged]]];
}

interface Captured {
  name: string;
  isResponse: boolean;
}

function capturedBy({ words }: Line): Captured[] {
  const [first = "", second = "", third = "", fourth = ""] = words;
  if (first === "capture" && third === "header" && /^(request|response)$/.test(second))
    return named(fourth, second === "response");
  const isCapture = /^http-re(quest|sponse)$/.test(first) && second === "capture";
  const isFormat = /^(log-format|log-format-sd|error-log-format)$/.test(first);
  if (!isCapture && !isFormat) return [];
  const text = isCapture ? third : words.slice(1).join(" ");
  const fetches = text.matchAll(/\b(req\.f?hdr|res\.f?hdr|s?hdr)\(([^(),]+)/g);
  return [...fetches].flatMap(([, fetch = "", name = ""]) => named(name.trim(), /^(res|shdr)/.test(fetch)));
}

function named(name: string, isResponse: boolean): Captured[] {
  // A number is that of a capture, which its own line names.
  return name !== "" && !/^\d+$/.test(name) ? [{ name, isResponse }] : [];
}
