/** The answer to one press of Tab: the words that can stand under the cursor. */
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { RIGHTS_WORDS } from "../token/rights-options.ts";
import { USUAL_FILE } from "../token/storing.ts";
import type { Names } from "./names.ts";
import {
  hasSubcommands,
  optionsOf,
  type Position,
  positionAfter,
  splitAtCursor,
  subcommandsOf,
  valueAt,
} from "./position.ts";
import { namesInTokenFile } from "./token-names.ts";

/** The whole answer where the shell is to complete file names. */
const FILES = ":files\n";

interface Candidate {
  word: string;
  description?: string;
}

/** Finds the names of pools and servers. `options`: those of the command line so far that say which Sluice is meant. */
type FindNames = (options: { url?: string; token?: string }) => Promise<Names>;

/**
 * The output of `sluice complete -- <words>`: a line `word<TAB>description` for each candidate, or FILES. The last of
 * `words` is the one under the cursor.
 */
export async function completionOf(
  program: CommandUnknownOpts,
  words: readonly string[],
  findNames: FindNames,
): Promise<string> {
  const { before, current } = splitAtCursor(words);
  const position = positionAfter(program, before);
  if (before.includes("--") || takesFile(position, current)) return FILES;
  const candidates = candidatesAt(position, current) ?? (await lookedUpAt(position, current, findNames));
  return candidates
    .filter(({ word }) => word.startsWith(current))
    .map(({ word, description }) => `${word}${description ? `\t${description}` : ""}\n`)
    .join("");
}

/** A file as an argument or an option's value, or a command to be run, any word of which may be a file. */
function takesFile({ command, option, operands }: Position, current: string): boolean {
  if (!command || current.startsWith("-")) return false;
  if (option) return option.flags.endsWith("<file>");
  const { registeredArguments } = command;
  const argument = registeredArguments[operands.length] ?? registeredArguments.at(-1);
  return argument?.variadic === true || (argument?.name() === "file" && operands.length === 0);
}

/** `null`: a value that is not of a few which the command itself has listed. */
function candidatesAt(position: Position, current: string): Candidate[] | null {
  const { command, operands } = position;
  if (!command) return [];
  const { option, assignment } = valueAt(position, current);
  if (option) return option.argChoices?.map((choice) => ({ word: assignment + choice })) ?? null;
  if (current.startsWith("-"))
    return optionsOf(command).map(({ long = "", description }) => ({ word: long, description }));
  if (hasSubcommands(command))
    return subcommandsOf(command).map((one) => ({ word: one.name(), description: one.description() }));
  return command.registeredArguments[operands.length]?.argChoices?.map((word) => ({ word })) ?? null;
}

async function lookedUpAt(position: Position, current: string, findNames: FindNames): Promise<Candidate[]> {
  return (await wordsAt(position, current, findNames)).map((word) => ({ word }));
}

/** By what stands between the angle brackets in the command's help. */
async function wordsAt(position: Position, current: string, findNames: FindNames): Promise<string[]> {
  const { command, operands, values } = position;
  const { option, assignment } = valueAt(position, current);
  const list = (words: Iterable<string>) =>
    continued(words, current.slice(assignment.length)).map((word) => assignment + word);
  const placeholder = option
    ? /<(.*)>$/.exec(option.flags)?.[1]
    : command?.registeredArguments[operands.length]?.name();
  switch (placeholder) {
    case "rights":
      return list(RIGHTS_WORDS);
    case "pools":
      return list((await findNames(values)).keys());
    case "pool":
      return [...(await findNames(values)).keys()];
    case "server":
      return [...((await findNames(values)).get(operands[0] ?? "") ?? [])];
    case "name":
      // Of somebody who has a token, not of somebody who gets one.
      return command?.name() === "revoke" ? namesInTokenFile(values.from ?? USUAL_FILE) : [];
    default:
      return [];
  }
}

/** A list with commas, as it can go on: for `look,dr` with all that are before the last comma, and another. */
function continued(words: Iterable<string>, list: string): string[] {
  const listed = list.split(",").slice(0, -1);
  return [...words].filter((word) => !listed.includes(word)).map((word) => [...listed, word].join(","));
}
