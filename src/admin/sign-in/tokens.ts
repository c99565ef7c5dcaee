import type { SignIn } from "../../config/admin.ts";
import { ADMIN } from "../../config/admin-tokens.ts";
import { SHORTEST_TOKEN } from "../../config/perhaps-token.ts";
import { EVERYTHING } from "../../config/rights.ts";
import type { Operator } from "../operator.ts";

/** What a request's `Authorization` gives. */
export interface Credentials {
  token: string;
  /** HTTP Basic's, if there is one. */
  user: string;
}

/** In characters; more is no name. */
const LONGEST_NAME = 64;

/** A bearer token, or the password of HTTP Basic, which browsers send; `null`: neither. */
export function credentialsIn(header: string): Credentials | null {
  const [, scheme = "", value = ""] = /^(\S+) +(\S+) *$/.exec(header) ?? [];
  if (scheme.toLowerCase() === "bearer") return { token: value, user: "" };
  if (scheme.toLowerCase() !== "basic") return null;
  try {
    const bytes = Uint8Array.from(atob(value), (char) => char.charCodeAt(0));
    const userAndPassword = new TextDecoder().decode(bytes);
    const colon = userAndPassword.indexOf(":");
    if (colon < 0) return null;
    return { token: userAndPassword.slice(colon + 1), user: userAndPassword.slice(0, colon) };
  } catch {
    return null;
  }
}

/**
 * Returns whose token it is; `null`: nobody's. Compares digests, whose length is constant, and all of them, so that the
 * duration reveals neither a token nor its length nor whose it almost is.
 */
export async function holderOf({ token, user }: Credentials, signIn: SignIn): Promise<Operator | null> {
  const given = await digest(token);
  const isAdmin = crypto.subtle.timingSafeEqual(given, await digest(signIn.token ?? ""));
  let holder: Operator | null = null;
  for (const { name, digests, grant } of signIn.tokens) {
    for (const hex of digests) {
      if (crypto.subtle.timingSafeEqual(given, bytesOf(hex)))
        holder = { name, via: "token", grants: [grant] };
    }
  }
  // A digest does not tell how long its token is, so that a short one can only be refused here.
  if (token.length < SHORTEST_TOKEN) return null;
  if (isAdmin && signIn.token !== null)
    return { name: nameOf(user), via: "admin-token", grants: [EVERYTHING] };
  return holder;
}

/** Where several people share ADMIN_TOKEN, the user's name tells them apart. Nothing vouches for it. */
function nameOf(user: string): string {
  const name = user.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "").trim();
  return name.length === 0 || name.length > LONGEST_NAME ? ADMIN : name;
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) =>
    Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}
