import { describe, expect, test } from "vitest";
import { readAccess } from "../../src/config/access.ts";
import { readSignIn, whyAdminIsOff } from "../../src/config/admin.ts";
import { RIGHTS } from "../../src/config/rights.ts";

const RIGHT = {
  team: "Acme.cloudflareaccess.com",
  aud: "97e2",
  people: [
    { email: "*@Acme.com", may: ["look"] },
    { group: "ops", may: ["*"], pools: ["web"] },
    { service: "0b31.access", may: ["drain"] },
  ],
};
const problemsOf = (given: unknown) =>
  readAccess(given).problems.map(({ path, text }) => `${path.join(".")} ${text}`);

describe("ACCESS", () => {
  test.each([
    ["a table", RIGHT],
    ["its JSON", JSON.stringify(RIGHT)],
  ])("has a team, an application and people: %s", (_, given) => {
    expect(readAccess(given)).toEqual({
      problems: [],
      access: {
        team: "acme.cloudflareaccess.com",
        aud: "97e2",
        people: [
          { email: "*@acme.com", grant: { may: new Set(["look"]), pools: null } },
          { group: "ops", grant: { may: new Set(RIGHTS), pools: new Set(["web"]) } },
          { service: "0b31.access", grant: { may: new Set(["drain"]), pools: null } },
        ],
      },
    });
  });

  test.each([
    ["nonsense", 'ACCESS "nonsense" is not a table'],
    [[], "ACCESS [] is not a table"],
    [{ ...RIGHT, team: "acme" }, 'ACCESS.team "acme" is not a team\'s domain'],
    [{ ...RIGHT, team: "acme.cloudflareaccess.com.evil.org" }, "ACCESS.team"],
    [{ ...RIGHT, team: "evil.org/acme.cloudflareaccess.com" }, "ACCESS.team"],
    [{ ...RIGHT, team: "me@acme.cloudflareaccess.com" }, "ACCESS.team"],
    [{ ...RIGHT, aud: "" }, 'ACCESS.aud "" is not an audience tag'],
    [{ ...RIGHT, aud: undefined }, "ACCESS.aud missing"],
    [{ ...RIGHT, people: [] }, "ACCESS.people [] is not a list of people"],
    [{ ...RIGHT, people: [{ may: ["look"] }] }, "ACCESS.people.0 does not say for whom it is"],
    [
      { ...RIGHT, people: [{ email: "a@b.c", group: "ops", may: ["look"] }] },
      "ACCESS.people.0 does not say for whom",
    ],
    [{ ...RIGHT, people: [{ email: "a@b.c" }] }, "ACCESS.people.0.may missing"],
    [{ ...RIGHT, people: [{ email: "*", may: ["look"] }] }, 'ACCESS.people.0.email "*" is not an address'],
    [{ ...RIGHT, people: [{ email: "j*@acme.com", may: ["look"] }] }, "ACCESS.people.0.email"],
    [{ ...RIGHT, people: [{ email: "*@*", may: ["look"] }] }, "ACCESS.people.0.email"],
    [{ ...RIGHT, people: [{ emails: "a@b.c", may: ["look"] }] }, "ACCESS.people.0.emails unknown key"],
    [{ ...RIGHT, audience: "97e2" }, "ACCESS.audience unknown key"],
  ])("with a mistake lets nobody in, and says which: %j", (given, problem) => {
    expect(readAccess(given).access).toBeNull();
    expect(problemsOf(given)[0]).toContain(problem);
  });

  test("alone is a way to sign in, and with a mistake none", () => {
    expect(whyAdminIsOff(readSignIn({ ACCESS: RIGHT }))).toBeNull();
    expect(whyAdminIsOff(readSignIn({ ACCESS: { ...RIGHT, team: "acme" } }))).toBe("ACCESS has an error");
  });
});
