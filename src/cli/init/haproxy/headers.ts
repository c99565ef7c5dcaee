/** `http-request set-header`: what requests carry to the servers. */
import { requestHeaders } from "../../../config/request-headers.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";

/** Sluice sets these itself. */
const FORWARDED = /^(x-forwarded-(for|proto|host)|x-request-id)$/i;

/** The key `headers`, without those whose value is computed or that a condition adds. */
export function readHeaders(lines: readonly Line[], remarks: Remarks): Record<string, string> {
  const headers = new Map<string, [string, string]>();
  for (const line of lines) {
    const [keyword, action = "", name = "", value = "", ...more] = line.words;
    if (keyword !== "http-request" || !/^(set|add)-header$/.test(action)) continue;
    if (FORWARDED.test(name)) remarks.add(line, "unneeded", `servers get ${name}`);
    else if (more.length === 0 && !value.includes("%") && isHeader(name, value)) {
      headers.set(name.toLowerCase(), [name, value]);
      remarks.add(line, "became", `headers.${name} = ${JSON.stringify(value)}`);
    }
  }
  return Object.fromEntries(headers.values());
}

function isHeader(name: string, value: string): boolean {
  return requestHeaders().safeParse({ [name]: value }).success;
}
