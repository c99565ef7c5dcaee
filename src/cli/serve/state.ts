/** The folder in which `sluice serve` has its state. Nobody else may read what is in it. */
import { chmodSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CliError, EXIT } from "../exit-codes.ts";
import { makeFolder } from "../make-folder.ts";
import { printable } from "../terminal/output.ts";
import type { Layout } from "./capnp.ts";

const [FOLDER_MODE, FILE_MODE] = [0o700, 0o600];

/** Makes the folder if it is not there. One that is stays as it is: it may be the user's, or everybody's (`/tmp`). */
export function makeState(folder: string): void {
  orRefuse(folder, () => makeFolder(folder, FOLDER_MODE));
}

/**
 * Writes what the runtime reads. `front`: of the module in front of the Worker. `configOf`: the configuration of the
 * runtime, whose path is returned.
 */
export function writeState(
  data: string,
  { front, worker }: { front: string; worker: string },
  configOf: (layout: Layout) => string,
): string {
  const folder = resolve(data);
  const layout = { folder, front: join(folder, "front.js"), worker, objects: join(folder, "objects") };
  const config = join(folder, "config.capnp");
  orRefuse(data, () => {
    makeFolder(layout.objects);
    chmodSync(layout.objects, FOLDER_MODE);
    writeFileSync(layout.front, front, { mode: FILE_MODE });
    writeFileSync(config, configOf(layout), { mode: FILE_MODE });
  });
  return config;
}

function orRefuse(folder: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const { message } = error as Error;
    throw new CliError(EXIT.usage, `The state cannot be in ${printable(folder)}: ${printable(message)}`);
  }
}
