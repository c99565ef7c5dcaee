import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { OPENAPI_FILE } from "../../scripts/build-openapi.ts";
import type { Sluice } from "../support/sluice.ts";
import { BEARER } from "./support.ts";

interface Operation {
  operationId: string;
  tags: string[];
  responses: Record<string, Described>;
  [key: string]: unknown;
}

type Described = { $ref?: string; content?: Record<string, { schema: object }> };

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { responses: Record<string, Described>; schemas: Record<string, Schema> };
}

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  allOf?: Schema[];
  required?: string[];
  enum?: string[];
}

export const TEXT = readFileSync(join(import.meta.dirname, "../..", OPENAPI_FILE), "utf8");
const DOCUMENT: Document = JSON.parse(TEXT);

/** `GET /_sluice/api/pools/{pool}`, and what is said of it. */
export const OPERATIONS = new Map<string, Operation>(
  Object.entries(DOCUMENT.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
    ),
  ),
);

/** The codes of refusals by which the operation may be answered, each with its status. */
export function refusalsOf({ responses }: Operation): string[] {
  return Object.entries(responses).flatMap(([status, response]) => {
    const { schema } = resolved(response).content?.["application/problem+json"] ?? {};
    const codes = (schema as Schema | undefined)?.properties?.code?.enum ?? [];
    return codes.map((code) => `${status} ${code}`);
  });
}

function resolved(response: Described): Described {
  const name = response.$ref?.split("/").at(-1);
  return name === undefined ? response : (DOCUMENT.components.responses[name] ?? {});
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Holds real answers against the document. */
export class Judge {
  /** `drainPool 200`: what was answered so far. */
  readonly seen = new Set<string>();
  readonly #ajv = new Ajv2020({ strict: false, formats: { "date-time": INSTANT, uri: true } });

  constructor() {
    this.#ajv.addSchema({ $id: "openapi", components: closed(DOCUMENT.components) });
  }

  /** Asks, and resolves with the text of the answer. Throws where the document does not tell of such an answer. */
  async ask(
    sluice: Sluice,
    route: string,
    parts: Record<string, string> = {},
    init: RequestInit & { query?: string; reads?: boolean } = {},
  ): Promise<string> {
    const operation = OPERATIONS.get(route);
    if (!operation) throw new Error(`the document has no ${route}`);
    const [method = "", template = ""] = route.split(" ");
    const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => parts[name] ?? "web");
    const { query = "", reads = true, ...rest } = init;
    const response = await fetch(sluice.url + path + query, { method, headers: BEARER, ...rest });
    const text = reads ? await response.text() : "";
    if (!reads) await response.body?.cancel();
    this.#judge(operation, response, text);
    return text;
  }

  #judge(operation: Operation, { status, headers }: Response, text: string): void {
    const what = `${operation.operationId} ${status}`;
    const key = Object.hasOwn(operation.responses, status) ? String(status) : "default";
    const response = operation.responses[key];
    if (!response) throw new Error(`${what} is not in the document: ${text}`);
    const [type = ""] = (headers.get("content-type") ?? "").split(";");
    const { content = {} } = resolved(response);
    const described = content[type] ?? content["*/*"];
    if (type !== "" && !described) throw new Error(`${what} has type ${type}, which is not in the document`);
    this.seen.add(`${operation.operationId} ${key}`);
    if (!type.endsWith("json") || !described) return;
    const validate = this.#ajv.compile(rebased(described.schema));
    if (!validate(JSON.parse(text)))
      throw new Error(`${what}: ${this.#ajv.errorsText(validate.errors)} ${text}`);
    const { code } = JSON.parse(text);
    if (type === "application/problem+json") this.seen.add(`${operation.operationId} ${status} ${code}`);
  }
}

/** References from the document's own to its name. */
function rebased(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/'));
}

/** The same, but with no room for members that are not in the document. */
function closed<T>(schemas: T): T {
  if (typeof schemas !== "object" || schemas === null) return schemas;
  if (Array.isArray(schemas)) return schemas.map(closed) as T;
  const all = Object.fromEntries(Object.entries(schemas).map(([key, one]) => [key, closed(one)])) as T &
    Schema;
  const isOpen = all.properties && all.required && !all.allOf && all.additionalProperties === undefined;
  return isOpen ? { ...all, additionalProperties: false } : all;
}
