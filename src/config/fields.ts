/**
 * The kinds of value that a key can hold. Each is a zod schema whose messages are ours:
 * `<value> <verdict>; allowed: <what is allowed>`. The path is put in front by `problemLine`.
 *
 * zod/mini, because the Worker's bundle contains it: config/ takes 31 KB with it, 95 KB with zod.
 */
import * as z from "zod/mini";
import { nearest } from "./did-you-mean.ts";
import { inspect } from "./problem.ts";
import { type Shape, shaped } from "./shape.ts";
import { DURATION, durationAllowed, parseDuration, parseSize, SIZE, SIZE_ALLOWED } from "./units.ts";

type Verdict = string | ((given: unknown) => string);

/** The `error` option of a schema. */
export function errorOption(verdict: Verdict, allowed: string) {
  return {
    error: ({ input }: { input?: unknown }): string => {
      if (input === undefined) return `missing; allowed: ${allowed}`;
      return `${inspect(input)} ${typeof verdict === "string" ? verdict : verdict(input)}; allowed: ${allowed}`;
    },
  };
}

/** A text that `read` accepts; `undefined` refuses it. `shape`: of the texts that it may accept. */
export function text<T>(
  read: (given: string) => T | undefined,
  verdict: Verdict,
  allowed: string,
  shape: Shape,
) {
  const onError = errorOption(verdict, allowed);
  const schema = z.pipe(
    z.string(onError),
    z.transform((given, ctx): T => {
      const value = read(given);
      if (value !== undefined) return value;
      ctx.issues.push({ code: "custom", input: given, message: onError.error({ input: given }) });
      return z.NEVER;
    }),
  );
  return shaped(schema, { ...shape, allowed });
}

const NOTHING = /^[0.]+[a-z]+$/;

/** A duration, in ms. `or` completes the message where another kind of value is allowed too. */
export function duration(least = "0s", or = "", most = "24h") {
  const leastMs = parseDuration(least) ?? 0;
  const mostMs = parseDuration(most, Number.POSITIVE_INFINITY);
  const parse = (given: string) => parseDuration(given, mostMs);
  const allowed = durationAllowed(most) + (leastMs > 0 ? `, at least "${least}"` : "");
  return text(
    (given) => {
      const ms = parse(given);
      return ms !== undefined && ms >= leastMs ? ms : undefined;
    },
    (given) => (parses(given, parse) ? "is too short" : "is not a duration"),
    allowed + or,
    { pattern: DURATION, ...(leastMs > 0 ? { not: NOTHING } : {}) },
  );
}

/** A size, in bytes. */
export function size(most: string) {
  const mostBytes = parseSize(most) ?? 0;
  return text(
    (given) => {
      const bytes = parseSize(given);
      return bytes !== undefined && bytes <= mostBytes ? bytes : undefined;
    },
    (given) => (parses(given, parseSize) ? "is too large" : "is not a size"),
    `${SIZE_ALLOWED}, at most "${most}"`,
    { pattern: SIZE },
  );
}

function parses(given: unknown, parse: (text: string) => number | undefined): boolean {
  return typeof given === "string" && parse(given) !== undefined;
}

export function whole(least: number, most: number) {
  const onError = errorOption(
    (given) => (Number.isInteger(given) ? "is out of range" : "is not a whole number"),
    `${least} to ${most}`,
  );
  const schema = z.custom<number>(
    (given) => Number.isInteger(given) && (given as number) >= least && (given as number) <= most,
    // By default a failed z.custom skips the checks of the lists around it, which would hide their problems.
    { ...onError, abort: false },
  );
  return shaped(schema, { type: "integer", minimum: least, maximum: most });
}

export function flag() {
  return z.boolean(errorOption("is neither true nor false", "true, false"));
}

export function oneOf<const T extends readonly string[]>(words: T) {
  return z.enum(words, errorOption("is unknown", words.map((word) => `"${word}"`).join(", ")));
}

/** A table of exactly these keys. zod reports all unknown keys in one issue; its message has a line for each. */
export function table<T extends z.core.$ZodLooseShape>(shape: T) {
  const keys = Object.keys(shape);
  const notATable = errorOption("is not a table", `a table of ${keys.join(", ")}`);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => unknownKey(issue.input, key, keys)).join("\n")
        : notATable.error(issue),
  });
}

/** A table, or a value of another kind. */
export function tableOr<T extends z.core.$ZodType, V extends z.core.$ZodType>(
  tableSchema: T,
  valueSchema: V,
) {
  const isTable = (given: unknown) => typeof given === "object" && given !== null && !Array.isArray(given);
  return either(isTable, tableSchema, valueSchema);
}

/** A list, or a value of another kind. */
export function listOr<T extends z.core.$ZodType, V extends z.core.$ZodType>(listSchema: T, valueSchema: V) {
  return either(Array.isArray, listSchema, valueSchema);
}

/** What `isFirst` is true of is judged by the first schema, all else by the second: problems are those of one only. */
function either<T extends z.core.$ZodType, V extends z.core.$ZodType>(
  isFirst: (given: unknown) => boolean,
  firstSchema: T,
  otherSchema: V,
) {
  const schema = z.pipe(
    z.unknown(),
    z.transform((given, ctx): z.output<T> | z.output<V> => {
      const parsed = z.safeParse(isFirst(given) ? firstSchema : otherSchema, given);
      if (parsed.success) return parsed.data;
      for (const issue of parsed.error.issues) {
        for (const { path, text } of problemsOf(issue)) {
          ctx.issues.push({ code: "custom", input: given, message: text, path: [...path] });
        }
      }
      return z.NEVER;
    }),
  );
  return shaped(schema, { anyOf: [otherSchema, firstSchema] });
}

/** One issue of zod as one problem, or as one for each unknown key of a table. */
export function problemsOf(issue: z.core.$ZodIssue): { path: PropertyKey[]; text: string }[] {
  if (issue.code !== "unrecognized_keys") return [{ path: issue.path, text: issue.message }];
  // `table` has made a line for each key.
  const lines = issue.message.split("\n");
  return issue.keys.map((key, index) => ({ path: [...issue.path, key], text: lines[index] ?? "" }));
}

function unknownKey(given: unknown, key: string, keys: string[]): string {
  const value = inspect((given as Record<string, unknown>)[key]);
  const near = nearest(key, keys);
  const meant = near === undefined ? "" : `did you mean "${near}"? `;
  return `unknown key, given ${value}; ${meant}allowed: ${keys.join(", ")}`;
}
