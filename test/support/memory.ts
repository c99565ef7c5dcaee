import { readFile, writeFile } from "node:fs/promises";

/**
 * How many MB a process takes more, at its peak, for one transfer of this size. It does some small ones before:
 * the garbage that a process lets pile up before it collects any says nothing.
 */
export async function growthOf(
  pid: number,
  size: number,
  transfer: (size: number) => Promise<void>,
): Promise<number> {
  for (let i = 0; i < 10; i++) await transfer(size / 20);
  await writeFile(`/proc/${pid}/clear_refs`, "5"); // forgets the peak so far
  const before = await megabytes(pid, "VmRSS");
  await transfer(size);
  return (await megabytes(pid, "VmHWM")) - before;
}

async function megabytes(pid: number, key: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) / 1024;
}

/** What a process has in memory now, in MB. */
export function residentMegabytes(pid: number): Promise<number> {
  return megabytes(pid, "VmRSS");
}
