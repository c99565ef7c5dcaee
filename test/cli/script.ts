import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder by whose files the test and the command that is run signal to each other. */
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

  /** Resolves once the command has made this file. */
  async until(name: string, patienceMs = 20_000): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!this.has(name)) {
      if (Date.now() > deadline) throw new Error(`no ${name} in time`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** Makes the file `started`, and waits for the file `go`. */
export const WAIT_FOR_GO =
  "touch started; n=0; while [ ! -e go ] && [ $n -lt 1500 ]; do sleep 0.02; n=$((n + 1)); done";
