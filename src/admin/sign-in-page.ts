import type { Refusal } from "../refusals/refusal.ts";
import { ownPage, refusalFacts } from "../refusals/response.ts";

/**
 * What a browser shows after its sign-in was called off, or if the token is not known. Strangers see it too: it says
 * nothing of the pools, of the configuration, or whether there is anything at the address.
 */
export function signInPage(refusal: Refusal, requestId: string): string {
  return ownPage("Not signed in – Sluice", "You are not signed in", [
    "This is the admin side of Sluice, for those who run what is behind it. It opens with a token.",
    "The browser asks for a name and a password: the password is the token, and any name will do. Who runs this Sluice can give you one.",
    `<a href="/_sluice/">Sign in</a>`,
    refusalFacts(refusal, requestId),
  ]);
}
