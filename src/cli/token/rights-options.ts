/** The options `--may` and `--pools`. */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { nearest } from "../../config/did-you-mean.ts";
import { isName, NAME_ALLOWED } from "../../config/names.ts";
import { ALL, RIGHTS, type Right } from "../../config/rights.ts";
import { quoted } from "../terminal/output.ts";

/** A star that is not quoted, a shell would replace by the names of files. */
const ALL_IN_WORDS = "all";
/** What may stand in the list. */
export const RIGHTS_WORDS: readonly string[] = [...RIGHTS, ALL_IN_WORDS];
export const RIGHTS_ALLOWED = `${RIGHTS.join(", ")}; or ${ALL_IN_WORDS}`;

/** From `look,drain`, in the order in which rights are listed. */
export function readRights(given: string): string[] {
  const words = wordsOf(given);
  const unknown = words.find((word) => !isRight(word) && word !== ALL && word !== ALL_IN_WORDS);
  if (unknown !== undefined || words.length === 0) {
    const near = nearest(unknown ?? "", RIGHTS_WORDS);
    const meant = near === undefined ? "" : ` Did you mean ${near}?`;
    throw new InvalidArgumentError(`${noRight(unknown)}${meant} Allowed are ${RIGHTS_ALLOWED}.`);
  }
  return words.every(isRight) ? RIGHTS.filter((right) => words.includes(right)) : [ALL];
}

/** From `web,api`. */
export function readPoolNames(given: string): string[] {
  const names = wordsOf(given);
  const wrong = names.find((name) => !isName(name));
  if (wrong === undefined && names.length > 0) return [...new Set(names)];
  const why = wrong === undefined ? "No pool is named" : `${quoted(wrong)} is not a pool's name`;
  throw new InvalidArgumentError(`${why}. Allowed are names of ${NAME_ALLOWED}.`);
}

function wordsOf(given: string): string[] {
  return given
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function isRight(word: string): word is Right {
  return RIGHTS.some((right) => right === word);
}

function noRight(word: string | undefined): string {
  return word === undefined ? "No right is named." : `${quoted(word)} is not a right.`;
}
