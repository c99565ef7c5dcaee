/** Tokens, and what is stored of them. */
import { createHash, randomBytes } from "node:crypto";

/** By which a token is recognised where it should not be, such as in a repository. */
const PREFIX = "sluice_";
const BYTES = 32;

export function newToken(): string {
  return PREFIX + randomBytes(BYTES).toString("base64url");
}

/** SHA-256 in hex. The token cannot be guessed, so that nobody finds it by its digest. */
export function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
