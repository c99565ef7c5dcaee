import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findingsOf } from "./support.ts";

/** The examples of the documents are checked by test/docs.test.ts. */
test("the repository's own wrangler.toml gives no finding", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../wrangler.toml"), "utf8");
  expect(findingsOf(text)).toEqual([]);
});
