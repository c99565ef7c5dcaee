/**
 * Writes the OpenAPI document that the Worker serves, src/admin/openapi.text, from the table in openapi/routes.ts and the
 * schemas that judge bodies and queries. It is committed as the dashboard's script is, so that a deploy needs no step of
 * ours; test/admin/openapi.test.ts fails while it is out of date.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openApi } from "./openapi/document.ts";

/** Not .json: TypeScript would take it for data, and the Worker for something to parse. */
export const OPENAPI_FILE = "src/admin/openapi.text";

export const openApiText = () => `${JSON.stringify(openApi())}\n`;

if (import.meta.main) await writeFile(join(import.meta.dirname, "..", OPENAPI_FILE), openApiText());
