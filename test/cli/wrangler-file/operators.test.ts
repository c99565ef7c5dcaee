import { describe, expect, test } from "vitest";
import { findingsOf, here, told, web } from "./support.ts";

const DIGEST = "ab".repeat(32);
const TEAM = 'team = "acme.cloudflareaccess.com"\naud = "4714c1358e65fe4b"';

/** A file with this list of people; the entry that is marked has the line `here`. */
const access = (people: string) => web(`[vars.ACCESS]\n${TEAM}\npeople = [\n${people}\n]`);

describe("ACCESS", () => {
  test.each([
    '{ email = "*@acme.com", may = ["look"] },',
    '{ group = "ops", may = ["*"] },\n{ service = "1a2b.access", may = ["drain"], pools = ["web"] },',
  ])("may let people in: %s", (people) => {
    expect(findingsOf(access(people))).toEqual([]);
  });

  test.each([
    ['{ email = "jane", may = ["look"] }, # here', "people[0].email", '"jane" is not an address'],
    [
      '{ group = "ops", may = ["*"] },\n{ group = "dev", may = ["read"] }, # here',
      "people[1].may[0]",
      '"read" is unknown; allowed: "look", "drain"',
    ],
    ['{ may = ["look"] }, # here', "people[0]", "does not say for whom it is"],
    ['{ emal = "jane@acme.com", may = ["look"] }, # here', "people[0].emal", 'did you mean "email"?'],
  ])("with a mistake has an error in its line: %s", (people, key, words) => {
    const text = access(people);
    expect(findingsOf(text)[0]).toMatchObject({
      severity: "error",
      key: `vars.ACCESS.${key}`,
      line: here(text),
      message: expect.stringContaining(words),
    });
  });

  test("without a team has an error, and as JSON too", () => {
    const people = [{ email: "jane@acme.com", may: ["look"] }];
    const json = JSON.stringify({ aud: "a", people });
    expect(told(web(`[vars]\nACCESS = '${json}'`))).toEqual([
      expect.stringContaining("error vars.ACCESS.team: missing; allowed: a host name like"),
    ]);
  });

  test("for a pool that is not configured has a warning in its line, with what was meant", () => {
    const text = access('{ email = "*@acme.com", may = ["look"], pools = ["web", "wep", "gone"] }, # here');
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        line: here(text),
        key: "vars.ACCESS.people[0].pools",
        message: '"wep" is no pool of this configuration; did you mean "web"?',
      },
      { severity: "warning", line: here(text), message: '"gone" is no pool of this configuration' },
    ]);
  });

  test("is checked in an environment against the pools of that", () => {
    const people = 'people = [{ email = "*@acme.com", may = ["look"], pools = ["web"] }]';
    const blue = '[env.b.vars.POOLS.blue]\nservers = [{ name = "b", url = "https://b.example.com" }]';
    expect(told(web(`${blue}\n[env.b.vars.ACCESS]\n${TEAM}\n${people}`))).toContainEqual(
      'warning env.b.vars.ACCESS.people[0].pools: "web" is no pool of this configuration',
    );
  });
});

describe("ADMIN_TOKENS among the variables", () => {
  const tokens = (entry: string) => web(`[vars.ADMIN_TOKENS]\nci = { ${entry} } # here`);

  test("is no error, for it has digests; a note says that a secret is the place", () => {
    const text = tokens(`sha256 = "${DIGEST}", may = ["look"]`);
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "note",
        key: "vars.ADMIN_TOKENS",
        message: expect.stringContaining("`wrangler secret put ADMIN_TOKENS < admin-tokens.json`"),
      },
    ]);
  });

  test("with a token in a digest's place has an error that does not tell it", () => {
    const text = tokens('sha256 = "hunter2-hunter2-hunter2", may = ["look"]');
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "error",
        key: "vars.ADMIN_TOKENS.ci.sha256",
        line: here(text),
        message: expect.stringContaining("is neither a SHA-256 digest nor a list of one or two"),
      },
    ]);
    expect(JSON.stringify(findingsOf(text))).not.toContain("hunter2");
  });

  test.each(["sha256", "may", "pools", "token", "in a pool's place"])(
    "does not tell a token, wherever it stands: %s",
    (place) => {
      const secret = "sluice_Zq3V8uXKf2nT0bYwLhRjD6sPmA1cEoGi9xWk7vNtQ4";
      const right = { sha256: DIGEST, may: ["look"] };
      const entry = place.startsWith("in ") ? { pools: [secret] } : { [place]: secret, [secret]: [secret] };
      const found = findingsOf(
        web(`[vars]\nADMIN_TOKENS = '${JSON.stringify({ ci: { ...right, ...entry } })}'`),
      );
      expect(found[0]).toMatchObject({ key: expect.stringMatching(/^vars\.ADMIN_TOKENS\.ci\./) });
      expect(JSON.stringify(found)).not.toContain(secret);
    },
  );

  test("for a pool that is not configured has a warning", () => {
    const text = tokens(`sha256 = "${DIGEST}", may = ["look"], pools = ["wep"]`);
    expect(told(text)).toContainEqual(
      'warning vars.ADMIN_TOKENS.ci.pools: "wep" is no pool of this configuration; did you mean "web"?',
    );
  });
});
