import { type JWTPayload, jwtVerify } from "jose";
import { type AccessConfig, type AccessEntry, smallLetters } from "../../config/access.ts";
import { logError } from "../../link/log.ts";
import { Refusal } from "../../refusals/refusal.ts";
import type { Operator } from "../operator.ts";
import { groupsIn, groupsOf } from "./access-groups.ts";
import { isOfTheKeys, teamKeys } from "./team-keys.ts";

/** Whom Cloudflare Access has signed in: a person, or a program by a service token. */
interface Identity {
  email: string | null;
  /** A service token's client id. */
  service: string | null;
  /** Ids, names and addresses of the groups that the identity provider tells of. */
  groups: readonly string[];
}

/** The header that Access adds to each request that it lets through. */
const ASSERTION = "cf-access-jwt-assertion";

/** The name is in events, in the audit and in the log: nothing in it is invisible. No address is longer (RFC 5321). */
const NAME = /^[^\s\p{C}]{1,254}$/u;

/**
 * Who sends the request, by Cloudflare Access; `null`: nobody whom it vouches for. `context`: the platform's own word,
 * which it gives a Worker that is itself behind Access. Else the signature counts, since anybody can send the header.
 * Throws `forbidden` for somebody who may do nothing here.
 */
export async function signedInByAccess(
  config: AccessConfig,
  headers: Headers,
  context: CloudflareAccessContext | undefined,
): Promise<Operator | null> {
  const identity = (await platformIdentity(config, context)) ?? (await assertedIdentity(config, headers));
  const name = identity?.email ?? identity?.service;
  if (!identity || !name) return null;
  const grants = config.people.filter((entry) => isFor(entry, identity)).map(({ grant }) => grant);
  if (grants.length > 0) return { name, via: "access", grants };
  throw new Refusal("forbidden", `"${name}" is signed in, and has no rights here.`);
}

async function platformIdentity(
  { team, aud }: AccessConfig,
  context: CloudflareAccessContext | undefined,
): Promise<Identity | null> {
  if (context?.aud !== aud) return null;
  try {
    // `undefined` for a service token, which has no identity with a provider.
    const found = await context.getIdentity();
    return found?.email ? { email: addressIn(found.email), service: null, groups: groupsIn(found) } : null;
  } catch (error) {
    logError(error, { team });
    return null;
  }
}

async function assertedIdentity(config: AccessConfig, headers: Headers): Promise<Identity | null> {
  const token = headers.get(ASSERTION);
  const claims = token && (await verified(config, token));
  if (!claims) return null;
  const { email, common_name: service } = claims;
  if (typeof email !== "string" || email === "") return { email: null, service: nameIn(service), groups: [] };
  const needsGroups = config.people.some(({ group }) => group !== undefined);
  const groups = needsGroups ? await groupsOf(config.team, token, claims) : [];
  return { email: addressIn(email), service: null, groups };
}

function addressIn(given: string): string | null {
  return nameIn(smallLetters(given));
}

function nameIn(given: unknown): string | null {
  return typeof given === "string" && NAME.test(given) ? given : null;
}

/** The claims of a token that the team has signed for this application, and that has not expired; `null`: it is none. */
async function verified({ team, aud }: AccessConfig, token: string): Promise<JWTPayload | null> {
  const issuer = `https://${team}`;
  try {
    const { payload } = await jwtVerify(token, teamKeys(issuer), {
      issuer,
      audience: aud,
      algorithms: ["RS256"],
      requiredClaims: ["exp", "iat"],
    });
    // Access signs other tokens with the same keys, such as the one of the whole team.
    return payload.type === "app" ? payload : null;
  } catch (error) {
    if (isOfTheKeys(error)) logError(error, { team });
    return null;
  }
}

function isFor({ email, group, service }: AccessEntry, identity: Identity): boolean {
  if (service !== undefined) return identity.service === service;
  if (group !== undefined) return identity.groups.includes(group);
  if (email === undefined || identity.email === null) return false;
  return email.startsWith("*@") ? identity.email.endsWith(email.slice(1)) : identity.email === email;
}
