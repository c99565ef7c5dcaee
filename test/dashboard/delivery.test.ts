import { gunzipSync } from "node:zlib";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { Sluice, TOKEN } from "../support/sluice.ts";

const POOLS = { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } };
const SIGNED_IN = { Authorization: `Bearer ${TOKEN}`, "Accept-Encoding": "gzip, br" };

let sluice: Sluice;
/** The paths of the page and of everything that it loads, directly or not. */
let paths: string[];

beforeAll(async () => {
  sluice = await Sluice.start({ pools: POOLS, bundle: "production" });
  const found = new Set(["/_sluice/"]);
  for (const path of found) for (const name of await namedBy(path)) found.add(name);
  paths = [...found];
});
afterAll(() => sluice.stop());

async function namedBy(path: string): Promise<string[]> {
  const text = (await get(path)).text;
  const names = text.matchAll(/(?:href|src)="(assets\/[^"]+)"/g);
  return [...names].map(([, link = ""]) => new URL(link, `${sluice.url}${path}`).pathname);
}

async function get(path: string, headers: Record<string, string> = SIGNED_IN) {
  const { status, headers: answered, body } = await send(sluice.url, { path, headers });
  const text = (answered["content-encoding"] === "gzip" ? gunzipSync(body) : body).toString();
  return { status, headers: answered, size: body.length, text };
}

test("the page and all it needs come from here: a page, its style, its script and the library of that", () => {
  expect(paths.map((path) => path.replace("/_sluice/", ""))).toEqual([
    "",
    "assets/style.css",
    "assets/uplot.js",
    "assets/page.js",
  ]);
});

test("the script imports and exports nothing itself, and is a script", async () => {
  const { text } = await get("/_sluice/assets/page.js");
  expect(text).not.toMatch(/^(import|export)\b/m);
  await transform(text, { format: "esm" });
});

test("nothing in it names another site, but for a licence and an image's own name space", async () => {
  for (const path of paths) {
    const hosts = [...(await get(path)).text.matchAll(/https?:\/\/([\w.-]+)/g)].map(([, host]) => host);
    expect(hosts.filter((host) => host !== "github.com" && host !== "www.w3.org")).toEqual([]);
  }
});

test("the chart library's licence comes with it", async () => {
  const { text } = await get("/_sluice/assets/uplot.js");
  expect(text).toContain("Copyright (c) 2022 Leon Sorokin");
  expect(text).toContain("The above copyright notice and this permission notice shall be included");
});

test("the page may load, ask and show nothing that is not from here, and nobody may frame it", async () => {
  expect((await get("/_sluice/")).headers["content-security-policy"]).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
});

describe("each part", () => {
  test("has its type, and is asked for anew each time", async () => {
    const types: Record<string, string> = { css: "text/css", js: "text/javascript", "": "text/html" };
    for (const path of paths) {
      const { headers } = await get(path);
      const type = types[/\.(\w+)$/.exec(path)?.[1] ?? ""];
      expect.soft(headers, path).toMatchObject({
        "content-type": `${type}; charset=utf-8`,
        "cache-control": "private, no-cache",
        "content-encoding": "gzip",
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        vary: "Accept-Encoding",
      });
    }
  });

  test("is not sent again to who has it", async () => {
    for (const path of paths) {
      const { headers } = await get(path);
      const again = await get(path, { ...SIGNED_IN, "If-None-Match": headers.etag as string });
      expect.soft([again.status, again.size], path).toEqual([304, 0]);
      expect.soft(again.headers.etag).toBe(headers.etag);
    }
  });

  test("has a tag of its own", async () => {
    const tags = await Promise.all(paths.map(async (path) => (await get(path)).headers.etag));
    expect(new Set(tags).size).toBe(paths.length);
  });

  test("is open to nobody without the token", async () => {
    for (const path of paths) {
      const { status, headers, text } = await get(path, { "If-None-Match": "*" });
      expect
        .soft([status, headers["www-authenticate"]], path)
        .toEqual([401, 'Basic realm="Sluice", charset="UTF-8"']);
      expect(JSON.parse(text)).toMatchObject({ code: "unauthorized" });
    }
  });
});

test.each(["", "identity", "br", "gzip;q=0"])("who accepts %j gets it uncompressed", async (accepted) => {
  const compressed = await get("/_sluice/assets/page.js");
  const plain = await get("/_sluice/assets/page.js", { ...SIGNED_IN, "Accept-Encoding": accepted });
  expect(plain.headers).not.toHaveProperty("content-encoding");
  expect(plain.text).toBe(compressed.text);
});

test("HEAD answers without a body", async () => {
  const { status, body } = await send(sluice.url, { method: "HEAD", path: "/_sluice/", headers: SIGNED_IN });
  expect([status, body.length]).toEqual([200, 0]);
});

test.each([
  "/_sluice/assets/",
  "/_sluice/assets/none.js",
  "/_sluice/assets/toString",
  "/_sluice/assets/index.htm",
  "/_sluice/assets/main.js",
  "/_sluice/assets/style.css/",
  "/_sluice//",
])("%s is no part of it", async (path) => {
  const { status, text } = await get(path);
  expect([status, JSON.parse(text).code]).toEqual([404, "unknown-route"]);
});
