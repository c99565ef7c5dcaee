/** The OpenAPI document, from the table of routes. */
import * as z from "zod";
import { Refusal, type RefusalCode } from "../../src/refusals/refusal.ts";
import { inputSchema, type JsonSchema } from "../schema/json-schema.ts";
import { ANSWERS, type AnswerName } from "./answers.ts";
import { ADMIN_ROUTES, type Answer, REQUEST_ROUTES, type Route } from "./routes.ts";

const DRAFT = "draft-2020-12";

/** Rises when a member or a route changes its meaning; what is added does not change it. */
const API_VERSION = "1";

const DESCRIPTION =
  "Drains, resumes, watches and changes the pools of a Sluice. Durations are texts such as `250ms`, `2s`, `10m`, `1h`. " +
  "Members may be added to answers. A client that prefers HTML gets refusals as pages.";

export function openApi(): JsonSchema {
  const responses = new Map<string, JsonSchema>();
  const of = (routes: readonly Route[], tag: string) =>
    routes.map((route) => [route, operation(route, tag, responses)] as const);
  const operations = [...of(ADMIN_ROUTES, "admin"), ...of(REQUEST_ROUTES, "requests")];
  const paths: Record<string, JsonSchema> = {};
  for (const [{ path, method }, one] of operations) paths[path] = { ...paths[path], [method]: one };
  return {
    openapi: "3.1.0",
    info: {
      title: "Sluice",
      version: API_VERSION,
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: [
      { name: "admin", description: "For operators, who sign in. On ADMIN_HOST only, if that is set." },
      { name: "requests", description: "For clients of deferred requests: the id is all that they need." },
    ],
    security: [{ bearer: [] }, { basic: [] }],
    paths,
    components: {
      schemas: answerSchemas(),
      responses: Object.fromEntries(responses),
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "A token" },
        basic: { type: "http", scheme: "basic", description: "A token as the password of any user" },
      },
    },
  };
}

function operation(
  { path, name, summary, body, query, headers = {}, answers, refusals, needs }: Route,
  tag: string,
  responses: Map<string, JsonSchema>,
): JsonSchema {
  const parameters = [...ofPath(path), ...(query ? ofQuery(query) : []), ...ofHeaders(headers)];
  const told = Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)]);
  const refused = byStatus(refusals).map(([status, codes]) => [status, refusalResponse(codes, responses)]);
  return {
    tags: [tag],
    operationId: name,
    summary,
    ...(needs ? { description: `Needs the right \`${needs}\`.` } : {}),
    ...(refusals.includes("unauthorized") ? {} : { security: [] }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body
      ? { requestBody: { content: { "application/json": { schema: inputSchema(body, DRAFT) } } } }
      : {}),
    responses: Object.fromEntries([...told, ...refused]),
  };
}

function ofPath(path: string): JsonSchema[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function ofQuery(query: z.core.$ZodType): JsonSchema[] {
  const { properties = {} } = inputSchema(query, DRAFT) as { properties?: Record<string, JsonSchema> };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    schema: inNumbers(schema),
  }));
}

/** A query is text, in which the default of a number is one too. */
function inNumbers(schema: JsonSchema): JsonSchema {
  const { type, default: value } = schema;
  return type === "integer" && typeof value === "string" ? { ...schema, default: Number(value) } : schema;
}

function ofHeaders(headers: Record<string, string>): JsonSchema[] {
  return Object.entries(headers).map(([name, description]) => ({
    name,
    in: "header",
    description,
    schema: { type: "string" },
  }));
}

function responseOf({ description, json, types = [], headers }: Answer): JsonSchema {
  const content = {
    ...(json ? { "application/json": { schema: refTo(json) } } : {}),
    ...Object.fromEntries(types.map((type) => [type, { schema: schemaOfType(type) }])),
  };
  return {
    description,
    ...(headers ? { headers: ofResponse(headers) } : {}),
    ...(Object.keys(content).length > 0 ? { content } : {}),
  };
}

function schemaOfType(type: string): JsonSchema {
  if (type === "*/*") return {};
  return { type: type === "application/json" ? "object" : "string" };
}

function ofResponse(headers: Record<string, string>): JsonSchema {
  const entries = Object.entries(headers);
  return Object.fromEntries(
    entries.map(([name, description]) => [name, { description, schema: { type: "string" } }]),
  );
}

function byStatus(codes: readonly RefusalCode[]): [status: number, codes: RefusalCode[]][] {
  const grouped = Map.groupBy(codes, (code) => new Refusal(code, "").status);
  return [...grouped].sort(([one], [other]) => one - other);
}

/** Each set of refusals is described once; a reference to it. */
function refusalResponse(codes: readonly RefusalCode[], responses: Map<string, JsonSchema>): JsonSchema {
  const sorted = [...codes].sort();
  const name = sorted.join(".");
  const isAlwaysNamed = !codes.includes("misconfigured");
  const retryAfter = sorted.some((code) => new Refusal(code, "").retryAfterS !== undefined);
  const titles = sorted.map((code) => `\`${code}\`: ${new Refusal(code, "").title}.`);
  responses.set(name, {
    description: isAlwaysNamed ? titles.join(" ") : `${titles.join(" ")} Without a code: an internal error.`,
    ...(retryAfter ? { headers: ofResponse({ "Retry-After": "In how many seconds to try again." }) } : {}),
    content: {
      "application/problem+json": {
        schema: {
          allOf: [refTo("Problem")],
          properties: { code: { enum: sorted } },
          ...(isAlwaysNamed ? { required: ["code"] } : {}),
        },
      },
    },
  });
  return { $ref: `#/components/responses/${name}` };
}

const refTo = (name: AnswerName) => ({ $ref: `#/components/schemas/${name}` });

function answerSchemas(): Record<string, JsonSchema> {
  const named = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(ANSWERS)) named.add(schema, { id });
  const { schemas } = z.toJSONSchema(named, {
    target: DRAFT,
    uri: (id) => `#/components/schemas/${id}`,
    override({ jsonSchema }) {
      // Members may be added, and no reader should mind.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      // The largest number that JavaScript counts to is no limit of ours.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      // `format` says it too.
      if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
    },
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema, $id, ...schema }]) => [name, schema as JsonSchema]),
  );
}
