/** Problems are logged, and somebody may have put a token where it does not belong: what could be one is not shown. */

/** In characters. Anybody on the internet can guess at a token, and nothing else protects the admin side. */
export const SHORTEST_TOKEN = 16;

/** `github-actions-2`: words and numbers of up to four digits. */
const WORDS = /^(?:[A-Z]?[a-z]{1,14}\d{0,3}|\d{1,4})(?:[-._ ](?:[A-Z]?[a-z]{1,14}\d{0,3}|\d{1,4}))*$/;

/** The text, or what stands for one that could be a token. */
export function unlessToken(text: string): string {
  return text.length < SHORTEST_TOKEN ? text : `(${text.length} characters, perhaps a token)`;
}

/** The same for a name, which is often as long as a token, and then consists of words. */
export function nameUnlessToken(name: string): string {
  return WORDS.test(name) ? name : unlessToken(name);
}
