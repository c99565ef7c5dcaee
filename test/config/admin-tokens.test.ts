import { describe, expect, test } from "vitest";
import { readSignIn, whyAdminIsOff } from "../../src/config/admin.ts";
import { readAdminTokens } from "../../src/config/admin-tokens.ts";
import { type Problem, problemLine } from "../../src/config/problem.ts";
import { RIGHTS } from "../../src/config/rights.ts";

const DIGEST = "ab".repeat(32);
const OTHER = "cd".repeat(32);
const problemsOf = (given: unknown) =>
  readAdminTokens(given).problems.map(({ path, text }) => `${path.join(".")} ${text}`);

describe("ADMIN_TOKENS", () => {
  test("has rights by name, for some pools or for all", () => {
    const { tokens, problems } = readAdminTokens(
      JSON.stringify({
        ci: { sha256: DIGEST.toUpperCase(), may: ["look", "drain"], pools: ["web"] },
        jane: { sha256: [OTHER, "ef".repeat(32)], may: ["*"] },
      }),
    );
    expect(problems).toEqual([]);
    expect(tokens).toEqual([
      { name: "ci", digests: [DIGEST], grant: { may: new Set(["look", "drain"]), pools: new Set(["web"]) } },
      { name: "jane", digests: [OTHER, "ef".repeat(32)], grant: { may: new Set(RIGHTS), pools: null } },
    ]);
  });

  test("may be a table as well as its JSON", () => {
    const table = { ci: { sha256: DIGEST, may: ["look"] } };
    expect(readAdminTokens(table)).toEqual(readAdminTokens(JSON.stringify(table)));
  });

  test.each([
    ["not JSON", "ADMIN_TOKENS is not a table"],
    ["[]", "ADMIN_TOKENS is not a table"],
    ["null", "ADMIN_TOKENS is not a table"],
    [{ ci: [] }, "ADMIN_TOKENS.ci is not a table of sha256, may, pools"],
    [{ ci: 7 }, "ADMIN_TOKENS.ci is not a table of sha256, may, pools"],
    [{ ci: { may: ["look"] } }, "ADMIN_TOKENS.ci.sha256 missing"],
    [
      { ci: { sha256: "a-token", may: ["look"] } },
      "ADMIN_TOKENS.ci.sha256 is neither a SHA-256 digest nor a list of one or two",
    ],
    [
      { ci: { sha256: [], may: ["look"] } },
      "ADMIN_TOKENS.ci.sha256 is neither a SHA-256 digest nor a list of one or two",
    ],
    [
      { ci: { sha256: [DIGEST, DIGEST, OTHER], may: ["look"] } },
      "ADMIN_TOKENS.ci.sha256 is neither a SHA-256 digest nor a list of one or two",
    ],
    [{ ci: { sha256: DIGEST } }, "ADMIN_TOKENS.ci.may missing"],
    [{ ci: { sha256: DIGEST, may: [] } }, "ADMIN_TOKENS.ci.may [] is not a list of rights"],
    [{ ci: { sha256: DIGEST, may: ["read"] } }, 'ADMIN_TOKENS.ci.may.0 "read" is unknown'],
    [
      { ci: { sha256: DIGEST, may: ["look"], pools: "web" } },
      'ADMIN_TOKENS.ci.pools "web" is not a list of pools',
    ],
    [{ ci: { sha256: DIGEST, may: ["look"], pools: [] } }, "ADMIN_TOKENS.ci.pools [] is not a list of pools"],
    [{ ci: { sha256: DIGEST, may: ["look"], pool: ["web"] } }, "ADMIN_TOKENS.ci.pool unknown key"],
    [{ admin: { sha256: DIGEST, may: ["look"] } }, 'ADMIN_TOKENS.admin "admin" is who has ADMIN_TOKEN'],
    [{ "a b": { sha256: DIGEST, may: ["look"] } }, 'ADMIN_TOKENS.a b "a b" is not a name'],
  ])("with a mistake says which: %j", (given, problem) => {
    expect(problemsOf(given)[0]).toContain(problem);
    expect(problemsOf(given)).toHaveLength(1);
  });

  test("is never quoted where it may be a token that was not meant to be there", () => {
    const given = {
      ci: { sha256: "secret-a", token: "secret-b", may: ["look"] },
      x: { sha256: ["secret-c"], may: 7 },
    };
    expect(problemsOf(given).join("\n")).not.toContain("secret");
    expect(problemsOf(given).length).toBeGreaterThan(3);
  });

  describe.each([
    "sluice_Zq3V8uXKf2nT0bYwLhRjD6sPmA1cEoGi9xWk7vNtQ4",
    "5d41402abc4b2a76b9719d911017c592",
    "p4ssw0rd/with+more=",
    "correct-horse-battery-staple",
  ])("does not show %s in a problem that", (token) => {
    const right = { sha256: DIGEST, may: ["look"] };
    const [numbers, nested] = [Number("1".repeat(16)), [[token], { [token]: token }]];
    test.each<[string, unknown]>([
      ["is about a right", { ci: { ...right, may: ["look", token] } }],
      ["is about the list of rights", { ci: { ...right, may: token } }],
      ["is about a table of rights", { ci: { ...right, may: { [token]: true } } }],
      ["is about rights within rights", { ci: { ...right, may: nested } }],
      ["is about a pool", { ci: { ...right, pools: [`${token} `] } }],
      ["is about the list of pools", { ci: { ...right, pools: token } }],
      ["is about pools within pools", { ci: { ...right, pools: nested } }],
      ["is about a key", { ci: { ...right, [token]: 1 } }],
      ["is about its value", { ci: { ...right, token } }],
      ["is about a table", { ci: token }],
      ["is about a number", { ci: { ...right, may: [numbers], pools: [numbers] } }],
    ])("%s", (_, given) => {
      const { problems } = readAdminTokens(given);
      expect(problems).not.toEqual([]);
      for (const secret of [token, String(numbers)])
        expect(JSON.stringify([problems, problems.map(problemLine)])).not.toContain(secret);
    });
  });

  test.each([
    "sluice_Zq3V8uXKf2nT0bYwLhRjD6sPmA1cEoGi9xWk7vNtQ4",
    "5d41402abc4b2a76b9719d911017c592",
    "p4ssw0rd/with+more=",
  ])("does not show a name that could be a token: %s", (token) => {
    const given = { [token]: { sha256: DIGEST, may: ["read"] }, jane: { sha256: DIGEST, may: ["*"] } };
    const shared = { [token]: { sha256: DIGEST, may: ["look"] }, jane: { sha256: DIGEST, may: ["*"] } };
    const { tokens, problems } = readAdminTokens(given);
    expect(tokens.map(({ name }) => name)).toEqual(["jane"]);
    expect(problemLine(problems.at(-1) as Problem)).toContain(
      `ADMIN_TOKENS."(${token.length} characters, perhaps a token)".may[0]: "read" is unknown`,
    );
    expect(JSON.stringify([problems, readAdminTokens(shared).problems])).not.toContain(token);
  });

  test("shows names and keys that are too short for a token, and names of words", () => {
    for (const name of ["ci", "github-actions-deploy", "Jane.From.Operations", "runner2-of-team-2026"])
      expect(problemsOf({ [name]: { sha256: DIGEST, may: ["look"], right: [] } })).toEqual([
        `ADMIN_TOKENS.${name}.right unknown key; allowed: sha256, may, pools`,
      ]);
  });

  test("with a mistake in one name lets the others in", () => {
    const given = { ci: { sha256: "nothing", may: ["look"] }, jane: { sha256: DIGEST, may: ["look"] } };
    expect(readAdminTokens(given).tokens.map(({ name }) => name)).toEqual(["jane"]);
  });

  test("has no token under two names: the second has none", () => {
    const given = { ci: { sha256: DIGEST, may: ["look"] }, jane: { sha256: [OTHER, DIGEST], may: ["*"] } };
    expect(readAdminTokens(given).tokens.map(({ name }) => name)).toEqual(["ci"]);
    expect(problemsOf(given)).toEqual(["ADMIN_TOKENS.jane.sha256 is that of ci; allowed: another token"]);
  });

  test.each(["__proto__", "constructor", "toString"])("takes %s for a name like any other", (name) => {
    const given = `{"${name}": {"sha256": "${DIGEST}", "may": ["look"]}}`;
    expect(readAdminTokens(given).tokens.map((one) => one.name)).toEqual(name === "__proto__" ? [] : [name]);
  });
});

describe("the admin side", () => {
  test.each([
    ["nothing is set", {}, "No ADMIN_TOKEN is set"],
    ["ADMIN_TOKEN is too short", { ADMIN_TOKEN: "short" }, "ADMIN_TOKEN has fewer than 16 characters"],
    [
      "ADMIN_TOKENS has no token that is right",
      { ADMIN_TOKENS: '{"ci": {"may": ["look"]}}' },
      "ADMIN_TOKENS has an error",
    ],
    ["ADMIN_TOKENS is empty", { ADMIN_TOKENS: "" }, "No ADMIN_TOKEN is set"],
  ])("is off while %s, and tells strangers no more than that", (_, vars, why) => {
    expect(whyAdminIsOff(readSignIn(vars))).toBe(why);
  });

  test.each([
    [{ ADMIN_TOKEN: "long-enough-to-be-safe" }],
    [{ ADMIN_TOKENS: { ci: { sha256: DIGEST, may: ["look"] } } }],
    [{ ADMIN_TOKEN: "long-enough-to-be-safe", ADMIN_TOKENS: "nonsense" }],
    [{ ADMIN_TOKEN: "short", ADMIN_TOKENS: { ci: { sha256: DIGEST, may: ["look"] } } }],
  ])("is on as soon as there is one right way to sign in: %j", (vars) => {
    expect(whyAdminIsOff(readSignIn(vars))).toBeNull();
  });
});
