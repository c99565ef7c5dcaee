/** Where the cursor is in a command line. */
import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings";

/** PowerShell's script sends a space for an empty word. bash's sends `--state=ma` as three words. */
export function splitAtCursor(words: readonly string[]): { before: string[]; current: string } {
  const last = words.at(-1)?.trim() ?? "";
  const before = words.slice(0, -1).filter((word) => word !== "=");
  return { before, current: last === "=" ? "" : last };
}

export interface Position {
  /** The innermost so far. `undefined`: none has the name that was typed. */
  command: CommandUnknownOpts | undefined;
  /** The option whose value comes next. */
  option: Option | undefined;
  /** The arguments that the command has so far. */
  operands: string[];
  /** The values of options so far, by the options' names. */
  values: Record<string, string>;
}

export function positionAfter(program: CommandUnknownOpts, words: readonly string[]): Position {
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

export function hasSubcommands({ commands }: CommandUnknownOpts): boolean {
  return commands.length > 0;
}

/** The option whose value is under the cursor, if it is one's. `assignment`: `--may=`, if that is the same word. */
export function valueAt(
  { command, option }: Position,
  current: string,
): { option?: Option; assignment: string } {
  const [assignment = ""] = /^--[^=]+=/.exec(current) ?? [];
  const valued = option ?? (command && optionNamed(command, assignment.slice(0, -1)));
  return valued ? { option: valued, assignment } : { assignment };
}

export function subcommandsOf(command: CommandUnknownOpts): CommandUnknownOpts[] {
  return command.createHelp().visibleCommands(command);
}

export function optionsOf(command: CommandUnknownOpts): Option[] {
  const help = command.createHelp();
  return [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
}

function optionNamed(command: CommandUnknownOpts, flag: string): Option | undefined {
  return optionsOf(command).find(({ long, short }) => flag !== "" && (flag === long || flag === short));
}
