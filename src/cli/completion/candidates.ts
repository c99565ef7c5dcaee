/** The answer to one press of Tab: the words that can stand under the cursor. */
import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import type { Names } from "./names.ts";

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
  const candidates = candidatesAt(position, current) ?? (await namesAt(position, findNames));
  return candidates
    .filter(({ word }) => word.startsWith(current))
    .map(({ word, description }) => `${word}${description ? `\t${description}` : ""}\n`)
    .join("");
}

/** PowerShell's script sends a space for an empty word. bash's sends `--state=ma` as three words. */
function splitAtCursor(words: readonly string[]): { before: string[]; current: string } {
  const last = words.at(-1)?.trim() ?? "";
  const before = words.slice(0, -1).filter((word) => word !== "=");
  return { before, current: last === "=" ? "" : last };
}

interface Position {
  /** The innermost so far. `undefined`: none has the name that was typed. */
  command: CommandUnknownOpts | undefined;
  /** The option whose value comes next. */
  option: Option | undefined;
  /** The arguments that the command has so far. */
  operands: string[];
  /** The values of options so far, by the options' names. */
  values: Record<string, string>;
}

function positionAfter(program: CommandUnknownOpts, words: readonly string[]): Position {
  const position: Position = { command: program, option: undefined, operands: [], values: {} };
  for (const word of words) {
    if (position.option) {
      position.values[position.option.name()] = word;
      position.option = undefined;
    } else if (word.startsWith("-")) {
      const [flag = "", value] = word.split(/=(.*)/s);
      const option = position.command && optionNamed(position.command, flag);
      if (option && value !== undefined) position.values[option.name()] = value;
      else if (option?.required) position.option = option;
    } else if (position.command && hasSubcommands(position.command)) {
      position.command = subcommandsOf(position.command).find((one) => one.name() === word);
    } else position.operands.push(word);
  }
  return position;
}

function hasSubcommands({ commands }: CommandUnknownOpts): boolean {
  return commands.length > 0;
}

/** A file as an argument or an option's value, or a command to be run, any word of which may be a file. */
function takesFile({ command, option, operands }: Position, current: string): boolean {
  if (!command || current.startsWith("-")) return false;
  if (option) return option.flags.endsWith("<file>");
  const { registeredArguments } = command;
  const argument = registeredArguments[operands.length] ?? registeredArguments.at(-1);
  return argument?.variadic === true || (argument?.name() === "file" && operands.length === 0);
}

/** `null`: the name of a pool or server, if there are any candidates. */
function candidatesAt({ command, option, operands }: Position, current: string): Candidate[] | null {
  if (!command) return [];
  const [assignment = ""] = /^--[^=]+=/.exec(current) ?? [];
  const valued = option ?? optionNamed(command, assignment.slice(0, -1));
  if (valued) return (valued.argChoices ?? []).map((choice) => ({ word: assignment + choice }));
  if (current.startsWith("-"))
    return optionsOf(command).map(({ long = "", description }) => ({ word: long, description }));
  if (hasSubcommands(command))
    return subcommandsOf(command).map((one) => ({ word: one.name(), description: one.description() }));
  return command.registeredArguments[operands.length]?.argChoices?.map((word) => ({ word })) ?? null;
}

async function namesAt({ command, operands, values }: Position, findNames: FindNames): Promise<Candidate[]> {
  const kind = command?.registeredArguments[operands.length]?.name();
  if (kind !== "pool" && kind !== "server") return [];
  const names = await findNames(values);
  const words = kind === "pool" ? names.keys() : (names.get(operands[0] ?? "") ?? []);
  return [...words].map((word) => ({ word }));
}

function subcommandsOf(command: CommandUnknownOpts): CommandUnknownOpts[] {
  return command.createHelp().visibleCommands(command);
}

function optionsOf(command: CommandUnknownOpts): Option[] {
  const help = command.createHelp();
  return [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
}

function optionNamed(command: CommandUnknownOpts, flag: string): Option | undefined {
  return optionsOf(command).find(({ long, short }) => flag !== "" && (flag === long || flag === short));
}
