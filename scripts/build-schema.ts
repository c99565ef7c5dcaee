/**
 * Builds the JSON schema of a wrangler.toml, wrangler.json or wrangler.jsonc: wrangler's own, which stays as it is, with
 * Sluice's variables in it. It is one file that refers to nothing outside, so that every editor can read it.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { accessKeys } from "../src/config/access.ts";
import { HOST } from "../src/config/hosts.ts";
import { NAME } from "../src/config/names.ts";
import { poolKeys } from "../src/config/pool.ts";
import { FURTHER_VARIABLE } from "../src/config/variables.ts";
import { put } from "./put.ts";
import { descriptions } from "./schema/descriptions.ts";
import { inputSchema, type JsonSchema, textOf } from "./schema/json-schema.ts";

const SCHEMA_FILE = "wrangler.schema.json";
const ROOT = join(import.meta.dirname, "..");
const WRANGLERS = join(ROOT, "node_modules/wrangler/config-schema.json");

/** Where wrangler's schema has variables that a Worker is deployed with. */
const WITH_VARIABLES = ["RawConfig", "RawEnvironment", "PreviewsConfig"];

/** Writes `wrangler.schema.json` into the folder. Resolves with its name. */
export async function buildSchema(folder = join(ROOT, "dist")): Promise<string> {
  const wranglers = JSON.parse(await readFile(WRANGLERS, "utf8"));
  return put(join(folder, SCHEMA_FILE), `${JSON.stringify(withSluice(wranglers))}\n`);
}

interface WranglersSchema extends JsonSchema {
  definitions: Record<string, JsonSchema & { properties?: { vars?: JsonSchema } }>;
}

function withSluice(schema: WranglersSchema): WranglersSchema {
  const { definitions } = schema;
  const extended = WITH_VARIABLES.map((name) => {
    const { properties, ...rest } = definitions[name] ?? {};
    if (!properties?.vars) throw new Error(`wrangler's schema has no variables in ${name} any more`);
    return [name, { ...rest, properties: { ...properties, vars: { ...properties.vars, ...variables() } } }];
  });
  const ours = { SluicePools: pools(), SluicePool: pool() };
  return { ...schema, definitions: { ...definitions, ...Object.fromEntries(extended), ...ours } };
}

function variables(): JsonSchema {
  const ofPools = { $ref: "#/definitions/SluicePools" };
  const host = {
    type: "string",
    pattern: textOf(HOST),
    description: "The only host name on which `/_sluice/` is the admin side. Absent: every host.",
  };
  const access = {
    // Its JSON is a text.
    anyOf: [inputSchema(accessKeys, "draft-07"), { type: "string" }],
    description: "Whom Cloudflare Access lets in to `/_sluice/`, and what they may do there.",
  };
  return {
    properties: { POOLS: ofPools, ADMIN_HOST: host, ACCESS: access },
    patternProperties: { [textOf(FURTHER_VARIABLE)]: ofPools },
  };
}

function pools(): JsonSchema {
  return {
    type: "object",
    description:
      "Sluice's pools by name: sets of servers, with the requests that they serve. At most 5 KB as JSON.",
    minProperties: 1,
    propertyNames: { pattern: textOf(NAME) },
    additionalProperties: { $ref: "#/definitions/SluicePool" },
  };
}

function pool(): JsonSchema {
  const schema = inputSchema(poolKeys, "draft-07");
  describe(schema, descriptions());
  return {
    ...schema,
    description: "A pool: servers, and which requests they serve, in which order and how long.",
  };
}

/** Adds what is told of each key, however deep. */
function describe(schema: JsonSchema, told: Map<string, string>, path = ""): void {
  const {
    properties = {},
    items,
    anyOf = [],
  } = schema as {
    properties?: Record<string, JsonSchema>;
    items?: JsonSchema;
    anyOf?: JsonSchema[];
  };
  for (const [key, part] of Object.entries(properties)) {
    const own = path === "" ? key : `${path}.${key}`;
    const description = told.get(own);
    // VS Code shows the first as it stands, the second as Markdown.
    if (description !== undefined) Object.assign(part, { description, markdownDescription: description });
    describe(part, told, own);
  }
  for (const part of [...(items ? [items] : []), ...anyOf]) describe(part, told, path);
}

if (import.meta.main) await buildSchema();
