import { execFile } from "node:child_process";
import { NO_PROMTOOL } from "./tools.ts";

/** Prometheus' own checks; rejects with what they have to say. For tests that are skipped `WITHOUT_PROMTOOL`. */
export function promtool(args: string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile("promtool", args, (error, stdout, stderr) => {
      const said = `${stdout}${stderr}`;
      if ((error as NodeJS.ErrnoException | null)?.code === "ENOENT") reject(new Error(NO_PROMTOOL));
      else if (error) reject(new Error(`promtool ${args.join(" ")}: ${said}`));
      else resolve(said);
    });
    child.stdin?.on("error", () => {}); // It was not started, or has ended: said above.
    child.stdin?.end(input);
  });
}
