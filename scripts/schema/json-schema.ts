/** JSON Schema from the schemas by which the Worker judges what it is given. */
import * as z from "zod/mini";
import { type Shape, shapeOf } from "../../src/config/shape.ts";

export type JsonSchema = Record<string, unknown>;

/** `zodSchema` judges what is given. Throws for one of which nothing would be said. */
export function inputSchema(zodSchema: z.core.$ZodType, target: "draft-07" | "draft-2020-12"): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(zodSchema, {
    io: "input",
    target,
    unrepresentable: "any",
    override({ zodSchema: part, jsonSchema }) {
      const shape = shapeOf(part);
      if (shape) Object.assign(jsonSchema, ofShape(shape, target));
      const isBare = Object.keys(jsonSchema).length === 0;
      if (isBare && !shape && part._zod.def.type !== "unknown")
        throw new Error(`nothing is said of a ${part._zod.def.type}: give it a shape (src/config/shape.ts)`);
    },
  }) as JsonSchema;
  return schema;
}

function ofShape(shape: Shape, target: "draft-07" | "draft-2020-12"): JsonSchema {
  const { pattern, not, keys, properties, anyOf, allowed, ...same } = shape;
  return {
    ...same,
    ...(pattern ? { pattern: textOf(pattern) } : {}),
    ...(not ? { not: { pattern: textOf(not) } } : {}),
    ...(keys ? { propertyNames: ofShape(keys, target) } : {}),
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([key, one]) => [key, ofShape(one, target)]),
          ),
        }
      : {}),
    ...(anyOf
      ? { anyOf: anyOf.map((one) => (isZod(one) ? inputSchema(one, target) : ofShape(one, target))) }
      : {}),
    // VS Code shows it instead of the pattern.
    ...(allowed && pattern && target === "draft-07" ? { patternErrorMessage: `allowed: ${allowed}` } : {}),
  };
}

function isZod(given: Shape | z.core.$ZodType): given is z.core.$ZodType {
  return "_zod" in given;
}

/** The text of a pattern for engines that know no flags, in whatever dialect of regular expressions. */
export function textOf(pattern: RegExp): string {
  const { source, flags } = pattern;
  if (flags !== "" && flags !== "i") throw new Error(`A JSON schema cannot say the flags of ${pattern}`);
  const parts = source.match(/\\.|\[(?:\\.|[^\]])*\]|./gs) ?? [];
  const isLetter = (part: string) => /^[a-z]$/i.test(part);
  if (
    flags === "i" &&
    parts.some((part) => part.startsWith("[") && /[a-z]/i.test(part.replaceAll(/\\./g, "")))
  )
    throw new Error(`The letters of a class have to be there in both cases: ${pattern}`);
  return parts
    .map((part) => {
      if (part === "\\/") return "/";
      return flags === "i" && isLetter(part) ? `[${part.toUpperCase()}${part.toLowerCase()}]` : part;
    })
    .join("");
}
