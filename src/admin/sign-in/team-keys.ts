import { createRemoteJWKSet, customFetch, errors } from "jose";

/** While the keys are not known, each request asks for them by itself: invocations share no promise. */
const MOST_ASKED_A_SECOND = 10;

type Keys = ReturnType<typeof createRemoteJWKSet>;

/** By team. jose keeps the keys for ten minutes, and asks at most every 30 s for a key that it does not know. */
const keysOf = new Map<string, Keys>();

/** The keys have just been asked for so often that a flood of forged tokens would be all that asks more. */
class AskedEnough extends errors.JOSEError {}

/** The keys with which a team of Cloudflare Access signs. */
export function teamKeys(issuer: string): Keys {
  const known = keysOf.get(issuer);
  if (known) return known;
  const keys = createRemoteJWKSet(new URL(`${issuer}/cdn-cgi/access/certs`), { [customFetch]: limited() });
  keysOf.set(issuer, keys);
  return keys;
}

/** True if an operator has to know: what is wrong with a token is its sender's business. */
export function isOfTheKeys(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true;
  if (error instanceof AskedEnough) return false;
  // jose has no class for an answer that is not 200, or no JSON.
  const { JWKSTimeout, JWKSInvalid } = errors;
  return error instanceof JWKSTimeout || error instanceof JWKSInvalid || error.code === "ERR_JOSE_GENERIC";
}

function limited(): (url: string, options: RequestInit) => Promise<Response> {
  let [since, asked] = [0, 0];
  return async (url, options) => {
    const now = Date.now();
    if (now - since >= 1_000 || now < since) [since, asked] = [now, 0];
    if (++asked > MOST_ASKED_A_SECOND) throw new AskedEnough();
    return fetch(url, options);
  };
}
