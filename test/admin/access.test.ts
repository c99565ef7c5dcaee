import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RIGHTS } from "../../src/config/rights.ts";
import { Sluice } from "../support/sluice.ts";
import { AUD, TEAM, Team } from "../support/team.ts";
import { BEARER, IDLE_POOLS, problemOf } from "./support.ts";

const people = [
  { email: "*@acme.com", may: ["look"] },
  { email: "jane@acme.com", may: ["drain"], pools: ["web"] },
  { group: "ops", may: ["*"] },
  { service: "0b31.access", may: ["look", "drain"] },
];
const ACCESS = JSON.stringify({ team: TEAM, aud: AUD, people });

let team: Team;
let sluice: Sluice;
beforeAll(async () => {
  team = await Team.start();
  sluice = await Sluice.start({ pools: IDLE_POOLS, team: team.url, texts: { ACCESS } });
});
afterAll(async () => {
  await sluice?.stop();
  await team?.stop();
});

const me = (headers: Record<string, string>, on = sluice) => fetch(`${on.url}/_sluice/api/me`, { headers });
const asserted = (token: string) => ({ "Cf-Access-Jwt-Assertion": token });

async function expectMe(response: Response, name: string, may: readonly string[]): Promise<void> {
  const pools = may.length > 0 ? { web: may } : {};
  expect([response.status, await response.json()]).toEqual([200, { name, via: "access", pools }]);
}

describe("a person whom Access has signed in", () => {
  test("has the rights of every line that is for them", async () => {
    await expectMe(await me(asserted(await team.token({ email: "joe@acme.com" }))), "joe@acme.com", ["look"]);
    await expectMe(await me(asserted(await team.token({ email: "Jane@Acme.com" }))), "jane@acme.com", [
      "look",
      "drain",
    ]);
  });

  test("is believed by the key of before the last rotation too", async () => {
    const token = await team.token({ email: "joe@acme.com" }, { kid: "before" });
    await expectMe(await me(asserted(token)), "joe@acme.com", ["look"]);
  });

  test.each([
    ["a list of names", { groups: ["dev", "ops"] }],
    ["tables", { groups: [{ id: "5f3", name: "ops", email: "ops@acme.com" }] }],
    ["a claim of the provider's", { custom: { groups: ["ops"] } }],
    ["one name", { custom: { groups: "ops" } }],
  ])("has the rights of a group that the token tells of: %s", async (_, claims) => {
    await expectMe(
      await me(asserted(await team.token({ email: "kim@else.org", ...claims }))),
      "kim@else.org",
      RIGHTS,
    );
  });

  test("has the rights of a group that only Access itself tells of, asked once a minute", async () => {
    const token = await team.token({ email: "lee@else.org" });
    team.identities.set(token, { email: "lee@else.org", groups: [{ id: "ops", name: "Operations" }] });
    const before = team.asked.filter((path) => path.endsWith("/get-identity")).length;
    for (let n = 0; n < 3; n++) await expectMe(await me(asserted(token)), "lee@else.org", RIGHTS);
    expect(team.asked.filter((path) => path.endsWith("/get-identity")).length - before).toBe(1);
  });

  test("is nobody else, whose address has look-alikes of its letters", async () => {
    // The Kelvin sign, whose small letter is k.
    const name = "\u212Aim@acme.com";
    await expectMe(await me(asserted(await team.token({ email: name }))), name, ["look"]);
  });

  test("whose groups cannot be told costs Access no question with each request", async () => {
    const token = await team.token({ email: "joe@acme.com", nonce: "without groups" });
    const before = team.asked.length;
    for (let n = 0; n < 3; n++) await expectMe(await me(asserted(token)), "joe@acme.com", ["look"]);
    expect(team.asked.length - before).toBe(1);
  });

  test("who has no rights here is told so by name, and gets no further", async () => {
    const { detail } = await problemOf(
      await me(asserted(await team.token({ email: "eve@acme.com.evil.org" }))),
      403,
      "forbidden",
    );
    expect(detail).toBe('"eve@acme.com.evil.org" is signed in, and has no rights here.');
  });

  test("drains under their own name", async () => {
    const headers = asserted(await team.token({ email: "jane@acme.com" }));
    const act = (what: string) =>
      fetch(`${sluice.url}/_sluice/api/pools/web/${what}`, { method: "POST", headers });
    expect(await (await act("drain")).json()).toMatchObject({
      drain: { owner: "jane@acme.com", by: "jane@acme.com" },
    });
    expect((await act("resume")).status).toBe(200);
  });

  test("can be made to change nothing by another site", async () => {
    const headers = {
      ...asserted(await team.token({ email: "jane@acme.com" })),
      "Sec-Fetch-Site": "cross-site",
    };
    const response = await fetch(`${sluice.url}/_sluice/api/pools/web/drain`, { method: "POST", headers });
    await problemOf(response, 403, "forbidden");
  });
});

test("a program with a service token has the rights of its client id", async () => {
  const token = await team.token({ common_name: "0b31.access", sub: "" });
  await expectMe(await me(asserted(token)), "0b31.access", ["look", "drain"]);
  await problemOf(
    await me(asserted(await team.token({ common_name: "another.access", sub: "" }))),
    403,
    "forbidden",
  );
});

describe("nobody gets in", () => {
  const now = () => Math.floor(Date.now() / 1_000);
  const email = "joe@acme.com";
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const body = (token: string) => token.split(".")[1] ?? "";

  test.each<[string, () => Promise<string> | string]>([
    ["that has expired", () => team.token({ email, exp: now() - 1 })],
    ["that is not valid yet", () => team.token({ email, nbf: now() + 60 })],
    ["that never expires", () => team.token({ email, exp: undefined })],
    ["for another application", () => team.token({ email, aud: ["another"] })],
    ["for no application", () => team.token({ email, aud: undefined })],
    ["of another team", () => team.token({ email, iss: "https://evil.cloudflareaccess.com" })],
    ["of the whole team and not of the application", () => team.token({ email, type: "org" })],
    ["signed by a key that the team does not know", () => team.token({ email }, { kid: "foreign" })],
    [
      "signed by a foreign key under a known one's name",
      () => team.token({ email }, { kid: "foreign", as: "now" }),
    ],
    ["without a signature", async () => `${encode({ alg: "none" })}.${body(await team.token({ email }))}.`],
    [
      "whose signature was cut off",
      async () => `${(await team.token({ email })).split(".").slice(0, 2).join(".")}.`,
    ],
    [
      "whose claims were changed",
      async () => {
        const [head, , signature] = (await team.token({ email: "eve@evil.org" })).split(".");
        return `${head}.${body(await team.token({ email }))}.${signature}`;
      },
    ],
    [
      "signed with the public key as a shared secret",
      async () => {
        const start = `${encode({ alg: "HS256", kid: "now" })}.${body(await team.token({ email }))}`;
        const secret = JSON.stringify(team.keys[0]?.jwk);
        return `${start}.${createHmac("sha256", secret).update(start).digest("base64url")}`;
      },
    ],
    ["without a name in it", () => team.token({})],
    ["with an empty name", () => team.token({ email: "", common_name: "" })],
    ["with a list for a name", () => team.token({ email: ["joe@acme.com"] })],
    ["with a line break in its name", () => team.token({ email: "joe\n@acme.com" })],
    ["with a space before its name", () => team.token({ email: " joe@acme.com" })],
    ["with a name that is written backwards", () => team.token({ email: "\u202Eeoj@acme.com" })],
    ["with a name that is too long", () => team.token({ email: `${"j".repeat(260)}@acme.com` })],
    ["with a line break in a program's name", () => team.token({ common_name: "0b31\n.access", sub: "" })],
    ["that is none", () => "nonsense"],
    ["that is empty", () => ""],
    ["of three dots", () => "..."],
  ])("with a token %s", async (_, make) => {
    const response = await me(asserted(await make()));
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="Sluice"');
    const { detail } = await problemOf(response, 401, "unauthorized");
    expect(detail).toBe("Sign in by Cloudflare Access, or send `Authorization: Bearer <token>`.");
  });

  test("by a header that only looks like Access", async () => {
    const headers = {
      "Cf-Access-Authenticated-User-Email": email,
      Cookie: `CF_Authorization=${await team.token({ email })}`,
    };
    await problemOf(await me(headers), 401, "unauthorized");
  });

  test("while the team's keys are out of reach; the log says so, and tokens go on", async () => {
    const down = await Team.start();
    const other = await Sluice.start({ pools: IDLE_POOLS, team: down.url, texts: { ACCESS } });
    try {
      down.isUp = false;
      await problemOf(await me(asserted(await down.token({ email })), other), 401, "unauthorized");
      expect(other.output.some((line) => line.includes(TEAM) && line.includes("Expected 200 OK"))).toBe(true);
      expect((await me(BEARER, other)).status).toBe(200);
      down.isUp = true;
      await expectMe(await me(asserted(await down.token({ email })), other), email, ["look"]);
    } finally {
      await other.stop();
      await down.stop();
    }
  });
});

test("a flood of forged tokens asks no more than ten times a second for keys that are out of reach", async () => {
  const down = await Team.start();
  const other = await Sluice.start({ pools: IDLE_POOLS, team: down.url, texts: { ACCESS } });
  try {
    down.isUp = false;
    const token = await down.token({ email: "joe@acme.com" }, { kid: "foreign", as: "now" });
    const began = Date.now();
    const answers = await Promise.all(Array.from({ length: 100 }, () => me(asserted(token), other)));
    const seconds = Math.ceil((Date.now() - began) / 1_000) + 1;
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(down.asked.length).toBeLessThanOrEqual(10 * seconds);
    expect(other.output.filter((line) => line.includes(TEAM)).length).toBe(down.asked.length);
  } finally {
    await other.stop();
    await down.stop();
  }
});

describe("a Worker that is itself behind Access", () => {
  const platform = (blob: object) => ({ "x-test-access": JSON.stringify(blob) });

  test("takes the platform's word for who it is, groups included", async () => {
    const blob = { app_aud: AUD, jwt_claims: { email: "Jane@acme.com", groups: [{ id: "1", name: "ops" }] } };
    await expectMe(await me(platform(blob)), "jane@acme.com", RIGHTS);
  });

  test("takes it for its own application only", async () => {
    const blob = { app_aud: "another", jwt_claims: { email: "jane@acme.com" } };
    await problemOf(await me(platform(blob)), 401, "unauthorized");
  });

  test("goes by the signature where the platform cannot say who it is", async () => {
    const blob = { app_aud: AUD, jwt_claims: { isDown: true } };
    const token = await team.token({ email: "joe@acme.com" });
    await expectMe(await me({ ...platform(blob), ...asserted(token) }), "joe@acme.com", ["look"]);
    await problemOf(await me(platform(blob)), 401, "unauthorized");
  });

  test("goes by the signature where the platform knows no person", async () => {
    const token = await team.token({ common_name: "0b31.access", sub: "" });
    await expectMe(await me({ ...platform({ app_aud: AUD }), ...asserted(token) }), "0b31.access", [
      "look",
      "drain",
    ]);
  });
});

describe("a token beside Access", () => {
  test("goes before it", async () => {
    const headers = { ...BEARER, ...asserted(await team.token({ email: "joe@acme.com" })) };
    expect(await (await me(headers)).json()).toMatchObject({ name: "admin", via: "admin-token" });
  });

  test("that is wrong keeps nobody out whom Access has signed in", async () => {
    const headers = {
      Authorization: "Bearer wrong",
      ...asserted(await team.token({ email: "joe@acme.com" })),
    };
    await expectMe(await me(headers), "joe@acme.com", ["look"]);
  });
});

test("without ACCESS nobody is believed to come from it", async () => {
  const other = await Sluice.start({ pools: IDLE_POOLS, team: team.url });
  try {
    await problemOf(
      await me(asserted(await team.token({ email: "jane@acme.com" })), other),
      401,
      "unauthorized",
    );
    const blob = { app_aud: AUD, jwt_claims: { email: "jane@acme.com" } };
    await problemOf(await me({ "x-test-access": JSON.stringify(blob) }, other), 401, "unauthorized");
  } finally {
    await other.stop();
  }
});

test("nothing of a token is in what Sluice has printed", () => {
  expect(sluice.output.join("\n")).not.toMatch(/eyJ/);
});
