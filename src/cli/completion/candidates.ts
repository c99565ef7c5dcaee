/** The answer to one press of Tab: the words that can stand under the cursor. */
import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings";

/** The whole answer where the shell is to complete file names. */
const FILES = ":files\n";

interface Candidate {
  word: string;
  description?: string;
}

/**
 * The output of `sluice complete -- <words>`: a line `word<TAB>description` for each candidate, or FILES. The last of
 * `words` is the one under the cursor.
 */
export function completionOf(program: CommandUnknownOpts, words: readonly string[]): string {
  const { before, current } = splitAtCursor(words);
  const position = positionAfter(program, before);
  if (before.includes("--") || takesFile(position, current)) return FILES;
  return candidatesAt(program, position, current)
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
  /** `undefined`: no command has the name that was typed. */
  command: CommandUnknownOpts | undefined;
  /** The option whose value comes next. */
  option: Option | undefined;
  /** How many arguments the command has so far. */
  operands: number;
}

function positionAfter(program: CommandUnknownOpts, words: readonly string[]): Position {
  const position: Position = { command: program, option: undefined, operands: 0 };
  for (const word of words) {
    if (position.option) position.option = undefined;
    else if (word.startsWith("-")) {
      const option = position.command && optionNamed(position.command, word);
      if (option?.required) position.option = option;
    } else if (position.command === program) {
      position.command = subcommandsOf(program).find((one) => one.name() === word);
    } else position.operands++;
  }
  return position;
}

/** A file to check, or a command to be run, any word of which may be a file. */
function takesFile({ command, option, operands }: Position, current: string): boolean {
  if (!command || option || current.startsWith("-")) return false;
  const { registeredArguments } = command;
  const argument = registeredArguments[operands] ?? registeredArguments.at(-1);
  return argument?.variadic === true || (argument?.name() === "file" && operands === 0);
}

function candidatesAt(
  program: CommandUnknownOpts,
  { command, option, operands }: Position,
  current: string,
): Candidate[] {
  if (!command) return [];
  const [assignment = ""] = /^--[^=]+=/.exec(current) ?? [];
  const valued = option ?? optionNamed(command, assignment.slice(0, -1));
  if (valued) return (valued.argChoices ?? []).map((choice) => ({ word: assignment + choice }));
  if (current.startsWith("-"))
    return optionsOf(command).map(({ long = "", description }) => ({ word: long, description }));
  if (command === program)
    return subcommandsOf(program).map((one) => ({ word: one.name(), description: one.description() }));
  return (command.registeredArguments[operands]?.argChoices ?? []).map((word) => ({ word }));
}

function subcommandsOf(program: CommandUnknownOpts): CommandUnknownOpts[] {
  return program.createHelp().visibleCommands(program);
}

function optionsOf(command: CommandUnknownOpts): Option[] {
  const help = command.createHelp();
  return [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
}

function optionNamed(command: CommandUnknownOpts, flag: string): Option | undefined {
  return optionsOf(command).find(({ long, short }) => flag !== "" && (flag === long || flag === short));
}
