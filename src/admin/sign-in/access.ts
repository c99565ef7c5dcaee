import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import type { AccessConfig, AccessEntry } from "../../config/access.ts";
import { logError } from "../../link/log.ts";
import { Refusal } from "../../refusals/refusal.ts";
import type { Operator } from "../operator.ts";
import { groupsIn, groupsOf } from "./access-groups.ts";

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

type Keys = ReturnType<typeof createRemoteJWKSet>;

/** By team. jose keeps the keys for ten minutes, and asks at most every 30 s for a key that it does not know. */
const keysOf = new Map<string, Keys>();

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
  { aud }: AccessConfig,
  context: CloudflareAccessContext | undefined,
): Promise<Identity | null> {
  if (context?.aud !== aud) return null;
  // `undefined` for a service token, which has no identity with a provider.
  const found = await context.getIdentity();
  return found?.email ? { email: found.email.toLowerCase(), service: null, groups: groupsIn(found) } : null;
}

async function assertedIdentity(config: AccessConfig, headers: Headers): Promise<Identity | null> {
  const token = headers.get(ASSERTION);
  const claims = token && (await verified(config, token));
  if (!claims) return null;
  const { email, common_name: service } = claims;
  if (typeof email !== "string" || email === "")
    return { email: null, service: typeof service === "string" ? service : null, groups: [] };
  const needsGroups = config.people.some(({ group }) => group !== undefined);
  const groups = needsGroups ? await groupsOf(config.team, token, claims) : [];
  return { email: email.toLowerCase(), service: null, groups };
}

/** The claims of a token that the team has signed for this application, and that has not expired; `null`: it is none. */
async function verified({ team, aud }: AccessConfig, token: string): Promise<JWTPayload | null> {
  const issuer = `https://${team}`;
  const keys = keysOf.get(team) ?? createRemoteJWKSet(new URL(`${issuer}/cdn-cgi/access/certs`));
  keysOf.set(team, keys);
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience: aud,
      algorithms: ["RS256"],
      requiredClaims: ["exp", "iat"],
    });
    // Access signs other tokens with the same keys, such as the one of the whole team.
    return payload.type === "app" ? payload : null;
  } catch (error) {
    // What is wrong with the token is its sender's business, that the keys are out of reach the operator's.
    if (!(error instanceof errors.JOSEError) || isOfTheKeys(error)) logError(error, { team });
    return null;
  }
}

/** jose has no class for an answer that is not 200, or no JSON. */
function isOfTheKeys(error: errors.JOSEError): boolean {
  return error instanceof errors.JWKSTimeout || error.code === "ERR_JOSE_GENERIC";
}

function isFor({ email, group, service }: AccessEntry, identity: Identity): boolean {
  if (service !== undefined) return identity.service === service;
  if (group !== undefined) return identity.groups.includes(group);
  if (email === undefined || identity.email === null) return false;
  return email.startsWith("*@") ? identity.email.endsWith(email.slice(1)) : identity.email === email;
}
