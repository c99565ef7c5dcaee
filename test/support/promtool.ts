import { execFile } from "node:child_process";

const MISSING =
  "promtool is missing. It comes with Prometheus (https://prometheus.io/download/); on Debian and Ubuntu the " +
  "package `prometheus` has it, and .ci/run takes just the program out of that.";

/** Prometheus' own checks; rejects with what they have to say. */
export function promtool(args: string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile("promtool", args, (error, stdout, stderr) => {
      const said = `${stdout}${stderr}`;
      if ((error as NodeJS.ErrnoException | null)?.code === "ENOENT") reject(new Error(MISSING));
      else if (error) reject(new Error(`promtool ${args.join(" ")}: ${said}`));
      else resolve(said);
    });
    child.stdin?.on("error", () => {}); // It was not started, or has ended: said above.
    child.stdin?.end(input);
  });
}
