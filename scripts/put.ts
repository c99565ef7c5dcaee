import { mkdir, rename, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";

/** Replaces the file atomically, as another run of a command may be reading it. Resolves with its name. */
export async function put(file: string, content: string | Uint8Array): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, content);
  await rename(draft, file);
  return basename(file);
}

/** True for the name of a file that another process is about to `put`. */
export function isDraft(name: string): boolean {
  const [, pid] = /\.(\d+)$/.exec(name) ?? [];
  return pid !== undefined && isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
