/** What the command ends with (contract, "Command line"); a command that was run and failed ends with its own. */
export const EXIT = {
  done: 0,
  /** `check` found errors. */
  invalid: 1,
  usage: 64,
  unreachable: 69,
  unexpected: 70,
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
