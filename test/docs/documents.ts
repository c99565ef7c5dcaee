import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** All documents for users and contributors, by their paths from the root. */
export function documents(): string[] {
  const pages = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
  const atRoot = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].filter((name) =>
    existsSync(join(ROOT, name)),
  );
  return [...atRoot, ...pages.map((name) => `docs/${name}`)];
}

/** Code and configuration that send their readers to a document. */
export function sources(): string[] {
  const folders = ["src", "demo", "bench", "monitoring", "scripts", "bin", ".ci"];
  const files = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name))),
  );
  return ["wrangler.toml", ...files];
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}
