import { logError } from "../../link/log.ts";

/** For how long groups are believed, in ms; an operator who is taken out of one keeps its rights for as long. */
const FRESH_MS = 60_000;
/** For how long Access is not asked again that has not said any, in ms. */
const FAILED_MS = 5_000;
/** Of tokens whose groups are kept. */
const MOST_KEPT = 100;
const PATIENCE_MS = 5_000;

/** Where providers put their groups, besides `groups` itself. */
const PLACES = ["custom", "oidc_fields", "saml_attributes"];

const kept = new Map<string, { groups: readonly string[]; until: number }>();

/**
 * The groups of whom the token is for. A token has them only if the application is set up so; Access tells them to whom
 * it has given the token.
 */
export async function groupsOf(
  team: string,
  token: string,
  claims: Record<string, unknown>,
): Promise<readonly string[]> {
  const claimed = groupsIn(claims);
  if (claimed.length > 0) return claimed;
  const known = kept.get(token);
  if (known && known.until > Date.now()) return known.groups;
  const told = await askFor(team, token);
  const groups = told ?? [];
  kept.delete(token);
  kept.set(token, { groups, until: Date.now() + (told === null ? FAILED_MS : FRESH_MS) });
  for (const oldest of kept.keys()) if (kept.size > MOST_KEPT) kept.delete(oldest);
  return groups;
}

/** `null`: Access did not say. */
async function askFor(team: string, token: string): Promise<readonly string[] | null> {
  try {
    const response = await fetch(`https://${team}/cdn-cgi/access/get-identity`, {
      headers: { Cookie: `CF_Authorization=${token}` },
      redirect: "manual",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!response.ok) throw new Error(`get-identity: ${response.status}`);
    return groupsIn((await response.json()) as Record<string, unknown>);
  } catch (error) {
    logError(error, { team });
    return null;
  }
}

/** Ids, names and addresses of all groups in an identity, wherever its provider puts them. */
export function groupsIn(identity: Record<string, unknown>): string[] {
  const places = [identity, ...PLACES.map((name) => identity[name])];
  return places.flatMap((place) => (isTable(place) ? namesIn(place.groups) : []));
}

function namesIn(groups: unknown): string[] {
  const list: unknown[] = Array.isArray(groups) ? groups : [groups];
  return list.flatMap((group) => {
    if (typeof group === "string") return [group];
    return isTable(group) ? [group.id, group.name, group.email].filter((one) => typeof one === "string") : [];
  });
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
