import { parseArgs } from "node:util";

export interface Arguments {
  port: number;
  /** Exit after the report instead of staying up. */
  once: boolean;
}

export const USAGE = "usage: npm start -- [--once] [--port N]";

/** `null`: not to be understood. */
export function readArguments(argv: string[]): Arguments | null {
  try {
    const { values } = parseArgs({
      args: argv,
      options: { port: { type: "string", default: "8787" }, once: { type: "boolean", default: false } },
    });
    return isPort(values.port) ? { port: Number(values.port), once: values.once } : null;
  } catch {
    return null;
  }
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
