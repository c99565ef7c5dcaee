/**
 * What values look like that only code can judge, for the JSON schemas that are made of ours (scripts/schema). A schema
 * made of them may take more than we do, and never less.
 */
import type * as z from "zod/mini";

export interface Shape {
  type?: "string" | "integer";
  /** With no flag but `i`. */
  pattern?: RegExp;
  not?: RegExp;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  /** Of the keys of a table. */
  keys?: Shape;
  /** Keys that a table has. */
  required?: readonly string[];
  properties?: Record<string, Shape>;
  anyOf?: readonly (Shape | z.core.$ZodType)[];
  /** What to write instead, in words. */
  allowed?: string;
}

const shapes = new WeakMap<z.core.$ZodType, Shape>();

export function shaped<T extends z.core.$ZodType>(schema: T, shape: Shape): T {
  shapes.set(schema, shape);
  return schema;
}

export function shapeOf(schema: z.core.$ZodType): Shape | undefined {
  return shapes.get(schema);
}
