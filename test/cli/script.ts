import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder in which the command that is deployed, and the test, tell each other how far they are, by files. */
export class Folder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Folder> {
    const path = await mkdtemp(join(tmpdir(), "sluice-cli-"));
    onTestFinished(() => rm(path, { recursive: true, force: true }));
    return new Folder(path);
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  async put(name: string): Promise<void> {
    await writeFile(join(this.path, name), "");
  }

  /** Resolves when the command has come so far. */
  async until(name: string, patienceMs = 20_000): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!this.has(name)) {
      if (Date.now() > deadline) throw new Error(`no ${name} in time`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** Says that it runs, by the file `started`, and goes on when there is the file `go`. */
export const WAIT_FOR_GO =
  "touch started; n=0; while [ ! -e go ] && [ $n -lt 1500 ]; do sleep 0.02; n=$((n + 1)); done";
