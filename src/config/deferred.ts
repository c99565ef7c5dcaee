/** The key `deferred` of a pool: requests that are stored, and worked later. */
import * as z from "zod/mini";
import { duration, errorOption, oneOf, size, table, text, whole } from "./fields.ts";
import { origin } from "./names.ts";
import type { DeferredConfig } from "./types.ts";

/** A body is stored in rows of at most 512 KiB, and streamed both ways; 10 GB fit into one object. */
const LARGEST_BODY = "512MiB";
/** Thirty days: a stored request costs storage until then. */
const LONGEST = "720h";
const MOST_WEBHOOKS = 100;

const keys = table({
  when: z._default(oneOf(["asked", "drained", "always"]), "asked"),
  methods: z.prefault(methods(), ["POST", "PUT", "PATCH", "DELETE"]),
  max: z._default(whole(1, 1_000_000), 10_000),
  max_body: z.prefault(size(LARGEST_BODY), "32MiB"),
  max_response: z.prefault(size(LARGEST_BODY), "32MiB"),
  keep: z.prefault(duration("1s", "", LONGEST), "24h"),
  expires: z.prefault(duration("1s", "", LONGEST), "24h"),
  webhooks: z.prefault(webhooks(), []),
});

export const deferredKeys = z.pipe(
  keys,
  z.transform(
    (given): DeferredConfig => ({
      when: given.when,
      methods: given.methods,
      max: given.max,
      maxBodyBytes: given.max_body,
      maxResponseBytes: given.max_response,
      keepMs: given.keep,
      expiresMs: given.expires,
      webhooks: given.webhooks,
    }),
  ),
);

function methods() {
  const allowed = 'a list of methods, "POST", "PUT", "PATCH", "DELETE", "GET"';
  const [pattern, not] = [/^[A-Z]{1,32}$/, /^CONNECT$/];
  const method = text(
    (given) => (pattern.test(given) && !not.test(given) ? given : undefined),
    "is not a method",
    '"POST", "PUT" or any other in upper case, but not "CONNECT"',
    { pattern, not },
  );
  const onError = errorOption("is not a list of methods", allowed);
  return z.array(method, onError).check(z.maxLength(32, onError));
}

function webhooks() {
  const onError = errorOption(
    "is not a list of origins",
    `a list of at most ${MOST_WEBHOOKS}, each like "https://hooks.example.com"`,
  );
  return z.array(origin(), onError).check(z.maxLength(MOST_WEBHOOKS, onError));
}
