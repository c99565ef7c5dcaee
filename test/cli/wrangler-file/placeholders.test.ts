import { describe, expect, test } from "vitest";
import { CHECK, findingsOf, here, SERVER, told, toml } from "./support.ts";

/** A file with these variables, and a pool with these keys. */
const file = (vars: string, keys: string) =>
  toml(`[vars]\n${vars}\n[vars.POOLS.web]\nservers = [${SERVER}]\n${CHECK}\n${keys}`);

const WAITS = 'deferred = {}\nwaiting_page = "5s"';

describe("an own waiting page", () => {
  test("is warned of where visitors would read what looks like a placeholder, and is none", () => {
    const text = file('WAITING_PAGE = "<p>{{place}}, {{estimat}}, {{ seconds }}, {{estimat}}" # here', WAITS);
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: "vars.WAITING_PAGE",
        line: here(text),
        message:
          "{{estimat}}, {{ seconds }} are no placeholders, and stand on the page as they are; allowed: {{place}}, {{estimate}}, {{seconds}}, {{pool}}, {{requestId}}, {{status}}",
      },
    ]);
  });

  test("may have every placeholder, and braces of its styles", () => {
    const page = "<style>p{margin:0}@media print{p{margin:1em}}</style>{{place}}{{estimate}}{{seconds}}";
    expect(told(file(`WAITING_PAGE = "${page}{{pool}}{{requestId}}{{status}}"`, WAITS))).toEqual([]);
  });

  test("is warned of where no pool shows it", () => {
    expect(told(file('WAITING_PAGE = "<p>{{place}}"', "deferred = {}"))).toEqual([
      "warning vars.WAITING_PAGE: has no effect: no pool has the key waiting_page",
    ]);
  });

  test("is not warned of where the pool that may show it has an error", () => {
    const wrong = `[vars.POOLS.shop]\nhosts = ["shop.example.com"]\nservers = []\n${WAITS}`;
    const findings = told(file('WAITING_PAGE = "<p>{{place}}"', wrong));
    expect(findings.filter((finding) => finding.includes("WAITING_PAGE"))).toEqual([]);
    expect(findings).not.toEqual([]);
  });
});

describe("an own page of a refusal", () => {
  test("is warned of once, where clients would read what looks like a placeholder, and is none", () => {
    const keys = 'pages = { stopped = "PAGE", queue-full = { html = "PAGE" } }';
    expect(told(file('PAGE = "<p>{{message}} {{retryafter}}"', keys))).toEqual([
      "warning vars.PAGE: {{retryafter}} is no placeholder, and stands on the page as it is; allowed: {{message}}, {{requestId}}, {{retryAfter}}, {{pool}}",
    ]);
  });

  test("may have every placeholder", () => {
    const page = "{{message}}{{requestId}}{{retryAfter}}{{pool}}";
    expect(told(file(`PAGE = "${page}"`, 'pages = { stopped = "PAGE" }'))).toEqual([]);
  });
});
