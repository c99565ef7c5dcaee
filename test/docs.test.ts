import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { told, toml } from "./cli/wrangler-file/support.ts";
import { COMMANDS } from "./docs/commands.ts";
import { documents, ROOT, read, sources } from "./docs/documents.ts";
import {
  anchorsOf,
  commandsOf,
  type Fence,
  fencesOf,
  isRelative,
  linksOf,
  sentencesOf,
  wordsOf,
} from "./docs/markdown.ts";

const MOST_LINES = 150;
const MOST_WORDS = 30;
const NOT_RUN = /^not run by the tests: \S/;

interface Found extends Fence {
  document: string;
}

function fences(language: string): Found[] {
  return documents().flatMap((document) =>
    fencesOf(read(document))
      .filter((fence) => fence.language === language)
      .map((fence) => ({ ...fence, document })),
  );
}

const placeOf = ({ document, line }: { document: string; line: number }) => `${document}:${line}`;

describe("the README", () => {
  test(`fits into ${MOST_LINES} lines`, () => {
    expect(read("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(MOST_LINES);
  });

  test(`has no sentence of more than ${MOST_WORDS} words`, () => {
    const sentences = sentencesOf(read("README.md"));
    expect(sentences.length).toBeGreaterThan(40);
    expect(sentences.filter((sentence) => wordsOf(sentence).length > MOST_WORDS)).toEqual([]);
  });

  test("leads to every page of docs/", () => {
    const targets = linksOf(read("README.md")).map(({ target }) => target.split("#")[0]);
    const pages = documents().filter((document) => document.startsWith("docs/"));
    expect(pages.filter((page) => !targets.includes(page))).toEqual([]);
  });
});

describe("the files that the architecture names", () => {
  const MOST_FILES = 25;
  const architecture = read("docs/architecture.md");
  const named = (text: string) => [
    ...new Set([...text.matchAll(/`([a-z-]+(?:\/[a-z-]+)*\.ts)`/g)].map(([, file = ""]) => file)),
  ];
  const section = (title: string) => architecture.split(/^## /m).find((text) => text.startsWith(title)) ?? "";

  test("are there", () => {
    const [rooms, others] = [section("The rooms"), architecture.replace(section("The rooms"), "")];
    const first = [...rooms.matchAll(/^\| `([a-z/]+)\/`.*\| `([a-z-]+\.ts)` \|$/gm)];
    const files = [...named(others), ...first.map(([, folder, file]) => `${folder}/${file}`)];
    expect(first.length).toBeGreaterThan(10);
    // A room of the scheduler may be named without it.
    const roots = ["src", "src/scheduler", "."].map((folder) => join(ROOT, folder));
    expect(files.filter((file) => !roots.some((root) => existsSync(join(root, file))))).toEqual([]);
  });

  test(`are at most ${MOST_FILES} for one request on a free slot`, () => {
    const count = named(section("One request on a free slot")).length;
    expect(count).toBeGreaterThan(15);
    expect(count).toBeLessThanOrEqual(MOST_FILES);
  });
});

describe("every relative link of a document leads", () => {
  const links = [...documents(), "bench/README.md", "bench/model.md"].flatMap((document) =>
    linksOf(read(document))
      .filter(isRelative)
      .map(({ target, line }) => {
        const [path = "", anchor] = target.split("#");
        const file = path === "" ? document : join(dirname(document), path);
        return { place: `${placeOf({ document, line })} ${target}`, file, anchor };
      }),
  );

  test("to a file that is there", () => {
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter(({ file }) => !existsSync(join(ROOT, file))).map(({ place }) => place)).toEqual([]);
  });

  test("to a heading that is there, if it names one", () => {
    const toHeadings = links.filter(
      ({ file, anchor }) => anchor !== undefined && existsSync(join(ROOT, file)),
    );
    const lost = toHeadings.filter(({ file, anchor = "" }) => !anchorsOf(read(file)).has(anchor));
    expect(toHeadings.length).toBeGreaterThan(20);
    expect(lost.map(({ place }) => place)).toEqual([]);
  });
});

test("every page of docs/ that the code names is there", () => {
  const named = sources().flatMap((file) =>
    [...read(file).matchAll(/\bdocs\/[a-z-]+\.md\b/g)].map(([page]) => ({ file, page })),
  );
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter(({ page }) => !existsSync(join(ROOT, page)))).toEqual([]);
});

describe("every shell command of a document", () => {
  const blocks = fences("sh");
  const shown = blocks
    .filter(({ comment }) => !NOT_RUN.test(comment ?? ""))
    .flatMap((block) => commandsOf(block.text).map((command) => ({ command, place: placeOf(block) })));

  test("is run by a test, or its block says why not", () => {
    const unknown = shown.filter(({ command }) => !Object.hasOwn(COMMANDS, command));
    expect(shown.length).toBeGreaterThan(10);
    expect(
      unknown.map(({ command, place }) => `${place} ${command}`),
      'name the test in test/docs/commands.ts, or put "<!-- not run by the tests: … -->" right above the block',
    ).toEqual([]);
  });

  test("is one that its test really runs", () => {
    const wrong = Object.entries(COMMANDS).filter(([, { file, words }]) => {
      const text = existsSync(join(ROOT, file)) ? read(file) : "";
      return words.length === 0 || words.some((word) => !text.includes(word));
    });
    expect(wrong.map(([command, { file }]) => `${command}: ${file}`)).toEqual([]);
  });

  test("is shown, if a test is named for it", () => {
    const commands = new Set(shown.map(({ command }) => command));
    expect(Object.keys(COMMANDS).filter((command) => !commands.has(command))).toEqual([]);
  });
});

test("`sluice check` has nothing to say against any configuration in a document", () => {
  const blocks = fences("toml");
  expect(blocks.length).toBeGreaterThan(4);
  const findings = blocks.flatMap((block) =>
    told(whole(block.text)).map((finding) => `${placeOf(block)} ${finding}`),
  );
  expect(findings).toEqual([]);
});

/** A part of a wrangler.toml with the least that it lacks. */
function whole(part: string): string {
  const firstTable = part.search(/^\[/m);
  const [top, tables] = firstTable < 0 ? [part, ""] : [part.slice(0, firstTable), part.slice(firstTable)];
  const pool = '[vars.POOLS.web]\nservers = [{ name = "web-1", url = "https://web-1.example.com" }]\n';
  return toml(tables.includes("[vars.POOLS") ? tables : `${tables}\n${pool}`, top);
}

test("every example in JSON is JSON", () => {
  const blocks = fences("json");
  expect(blocks.length).toBeGreaterThan(0);
  const wrong = blocks.filter(({ text }) => {
    try {
      JSON.parse(text);
      return false;
    } catch {
      return true;
    }
  });
  expect(wrong.map(placeOf)).toEqual([]);
});
