/** What a document may let its readers type into a shell. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { Folder } from "../cli/script.ts";
import { Origin } from "../support/origin.ts";
import { documents, read } from "./documents.ts";
import { fencesOf } from "./markdown.ts";

/** The lines of all documents, in which a reader may look for something to type. */
const lines = documents().flatMap((document) =>
  read(document)
    .split("\n")
    .map((text, index) => ({ place: `${document}:${index + 1}`, text })),
);

describe("npx", () => {
  // The package has another name: where it is not installed, npx takes `sluice` for the name of a package to fetch.
  test("never runs sluice without --no", () => {
    const wrong = lines.filter(({ text }) => /\b(npx|npm exec|npm x)( -\S+)* sluice\b/.test(text));
    const bad = wrong.filter(({ text }) => !/\b(npx|npm exec|npm x) --no( --)? sluice\b/.test(text));
    expect(wrong.length).toBeGreaterThan(3);
    expect(bad.map(({ place, text }) => `${place} ${text}`)).toEqual([]);
  });

  test("with --no fetches no package of that name where Sluice is not installed", async () => {
    const asked: string[] = [];
    const registry = await Origin.start((request, response) => {
      asked.push(request.url ?? "");
      const tarball = `${registry.url}/stranger.tgz`;
      const version = { name: "sluice", version: "9.9.9", bin: { sluice: "x.js" }, dist: { tarball } };
      const body = { name: "sluice", "dist-tags": { latest: "9.9.9" }, versions: { "9.9.9": version } };
      response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    });
    onTestFinished(() => registry.stop());
    const { path } = await Folder.make();
    const env = {
      ...process.env,
      npm_config_registry: registry.url,
      npm_config_cache: `${path}/cache`,
      npm_config_update_notifier: "false",
      npm_config_fetch_retries: "0",
      NODE_DISABLE_COMPILE_CACHE: "1",
    };
    const run = promisify(execFile)("npx", ["--no", "sluice", "status"], { cwd: path, env });
    await expect(run).rejects.toThrow("npx canceled due to missing packages");
    expect(asked).toEqual(["/sluice"]);
  });
});

describe("a fresh secret", () => {
  const blocks = documents().flatMap((document) =>
    fencesOf(read(document))
      .filter(({ language, text }) => language === "sh" && text.includes("openssl rand"))
      .map(({ text, line }) => ({ place: `${document}:${line}`, text })),
  );

  test("is shown once, and then put where it belongs", () => {
    const shownThenPut = /(\w+)=(?:"[^"]*)?\$\(openssl rand [^)|]*\)"?; echo "\$\1".*\n.*"?[^|\n]*\$\1"/;
    expect(blocks.length).toBeGreaterThan(3);
    expect(blocks.filter(({ text }) => !shownThenPut.test(text)).map(({ place }) => place)).toEqual([]);
  });

  test("is never lost in a pipe", () => {
    const lost = lines.filter(({ text }) => /openssl rand [^)]*\|/.test(text));
    expect(lost.map(({ place, text }) => `${place} ${text}`)).toEqual([]);
  });
});
