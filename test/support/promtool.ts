import { execFile } from "node:child_process";
import { NO_PROMTOOL } from "./tools.ts";

/** Prometheus' own checks; rejects with what they have to say. Without the program it says so, and fails in CI. */
export function promtool(args: string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile("promtool", args, (error, stdout, stderr) => {
      const said = `${stdout}${stderr}`;
      if ((error as NodeJS.ErrnoException | null)?.code === "ENOENT") {
        if (process.env.CI) return reject(new Error(NO_PROMTOOL));
        console.warn(`NOT RUN: promtool ${args.join(" ")}\n${NO_PROMTOOL}`);
        resolve("");
      } else if (error) reject(new Error(`promtool ${args.join(" ")}: ${said}`));
      else resolve(said);
    });
    child.stdin?.on("error", () => {}); // It was not started, or has ended: said above.
    child.stdin?.end(input);
  });
}
