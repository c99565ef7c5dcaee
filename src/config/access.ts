/** The variable ACCESS: people whom Cloudflare Access has signed in, and what they may do. */
import * as z from "zod/mini";
import { errorOption, problemsOf, table, text } from "./fields.ts";
import type { Problem } from "./problem.ts";
import { type Grant, poolsOfRights, rights } from "./rights.ts";

export const ACCESS = "ACCESS";

const LONGEST = 200;

export interface AccessConfig {
  /** The team's domain, whose keys sign the identities. */
  team: string;
  /** The application's audience tag. */
  aud: string;
  people: readonly AccessEntry[];
}

/** One of the three says who it is for. */
export interface AccessEntry {
  /** An address in small letters; `*@acme.com`: everybody of that domain. */
  email?: string | undefined;
  /** The name or the id of a group at the team's identity provider. */
  group?: string | undefined;
  /** The client id of a service token. */
  service?: string | undefined;
  grant: Grant;
}

const WHO = ["email", "group", "service"] as const;

const person = z.pipe(
  table({
    email: z.optional(email()),
    group: z.optional(short("is not a group")),
    service: z.optional(short("is not a service token's client id")),
    may: rights(),
    pools: poolsOfRights(),
  }),
  z.transform((given, ctx): AccessEntry => {
    const { email, group, service, may, pools } = given;
    if (WHO.filter((key) => given[key] !== undefined).length !== 1) {
      const message = `does not say for whom it is; allowed: one of ${WHO.join(", ")}`;
      ctx.issues.push({ code: "custom", input: given, message });
      return z.NEVER;
    }
    return { email, group, service, grant: { may, pools: pools ?? null } };
  }),
);

const NO_PEOPLE = errorOption(
  "is not a list of people",
  'a list like [{ email = "*@acme.com", may = ["look"] }]',
);

/** The variable's keys. */
export const accessKeys = table({
  team: text(
    (given) => (/^(?:[a-z0-9-]+\.)+cloudflareaccess\.com$/i.test(given) ? given.toLowerCase() : undefined),
    "is not a team's domain",
    'a host name like "acme.cloudflareaccess.com"',
    { minLength: 1 },
  ),
  aud: short("is not an audience tag"),
  people: z.array(person, NO_PEOPLE).check(z.minLength(1, NO_PEOPLE)),
});

function short(verdict: string) {
  return text(
    (given) => (given.length > 0 && given.length <= LONGEST ? given : undefined),
    verdict,
    `a text of 1 to ${LONGEST} characters`,
    { minLength: 1, maxLength: LONGEST },
  );
}

function email() {
  return text(
    (given) => (/^[^\s@]+@[^\s@*]+$/.test(given) && isPlain(given) ? smallLetters(given) : undefined),
    "is not an address",
    '"jane@acme.com", or "*@acme.com" for everybody of a domain',
    { minLength: 3, maxLength: LONGEST },
  );
}

/** Of A to Z only: by Unicode, look-alikes of other letters have these for small ones too, and somebody else has those. */
export function smallLetters(address: string): string {
  return address.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** A star stands for the whole name, not for a part of it. */
function isPlain(address: string): boolean {
  return address.startsWith("*@") || !address.includes("*");
}

/** `given`: the variable, or its JSON. */
export function readAccess(given: unknown): { access: AccessConfig | null; problems: Problem[] } {
  const { data, error } = accessKeys.safeParse(typeof given === "string" ? parsed(given) : given);
  if (data) return { access: data, problems: [] };
  const found = error?.issues.flatMap(problemsOf) ?? [];
  return { access: null, problems: found.map(({ path, text }) => ({ path: [ACCESS, ...path], text })) };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
