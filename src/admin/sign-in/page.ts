import type { Refusal } from "../../refusals/refusal.ts";
import { ownPage, refusalFacts } from "../../refusals/response.ts";

const BY_PASSWORD =
  "The browser asks for a name and a password: the password is the token, and any name will do. " +
  "Who runs this Sluice can give you one.";
const BY_ACCESS =
  "Cloudflare Access signs people in here. It has not said who you are, or you are not among those who may come in. " +
  "Who runs this Sluice can tell you the address that leads in, and let you in.";

/**
 * What a browser shows after its sign-in was called off, or if the one who signed in is not known. Strangers see it
 * too: it says nothing of the pools, or whether there is anything at the address. `challenge`: the answer's.
 */
export function signInPage(challenge: string) {
  const how = challenge.startsWith("Basic") ? BY_PASSWORD : BY_ACCESS;
  return (refusal: Refusal, requestId: string): string =>
    ownPage("Not signed in – Sluice", "You are not signed in", [
      "This is the admin side of Sluice, for those who run what is behind it.",
      how,
      `<a href="/_sluice/">Sign in</a>`,
      refusalFacts(refusal, requestId),
    ]);
}
