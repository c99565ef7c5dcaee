/** What the command ends with (contract, "Command line"); a command that was run and failed ends with its own. */
export const EXIT = {
  done: 0,
  /** `check` found errors. */
  invalid: 1,
  usage: 64,
  unreachable: 69,
  unexpected: 70,
  /** What was asked for is done, and its result could not be written. */
  output: 74,
  notDrained: 75,
  held: 76,
  unauthorised: 77,
  /** As shells have it: the command could not be run, was not found, was ended by the signal of this number. */
  notExecutable: 126,
  notFound: 127,
  signal: 128,
} as const;

/** Ends the command with a sentence for its user. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What nobody has thought of ends the command too, and says where it was. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CliError(EXIT.unexpected, `this should not happen: ${what}`);
}
