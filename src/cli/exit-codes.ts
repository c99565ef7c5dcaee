/** The exit codes of `sluice`. If a command that it runs fails, it ends with the code of that. */
export const EXIT = {
  done: 0,
  /** `check` found errors, or `token` in its file, or `rehearse` a broken promise. */
  invalid: 1,
  usage: 64,
  unreachable: 69,
  unexpected: 70,
  /** The command has succeeded, but its result could not be written. */
  output: 74,
  notDrained: 75,
  held: 76,
  unauthorised: 77,
  /** As in a shell: the command could not be run, was not found, was ended by the signal with the number added. */
  notExecutable: 126,
  notFound: 127,
  signal: 128,
} as const;

/** Ends `sluice` with a message for its user. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** An unexpected error keeps its stack, which belongs in a bug report. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CliError(EXIT.unexpected, `this should not happen: ${details}`);
}
