/** The key `wake` of a pool: whom to ask for servers when requests wait and none is up. */
import * as z from "zod/mini";
import { duration, table, text } from "./fields.ts";
import { parseUrl } from "./names.ts";
import { requestHeaders } from "./request-headers.ts";
import type { WakeConfig } from "./types.ts";

const keys = table({
  url: address(),
  headers: z.prefault(requestHeaders(), {}),
  every: z.prefault(duration("1s"), "30s"),
});

export const wakeKeys = z.pipe(
  keys,
  z.transform(({ url, headers, every }): WakeConfig => ({ url, headers, everyMs: every })),
);

function address() {
  const pattern = /^https?:\/\/[^\s/\\?#@]+(?:[/?][^\s\\#]*)?$/i;
  return text(
    (given) => (pattern.test(given) ? parseUrl(given)?.href : undefined),
    "is not a URL",
    '"https://" or "http://", a host, and perhaps a port, a path and a query, without user or password',
    { pattern },
  );
}
