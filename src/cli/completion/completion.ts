/// <reference path="./text.d.ts" />
/**
 * Completion by the Tab key. A shell reads the script that `sluice complete <shell>` prints; at each Tab the script
 * asks `sluice complete -- <words>`, the last word being the one under the cursor, and offers the lines of the answer.
 */
import { Argument } from "@commander-js/extra-typings";
import { examples, type Program } from "../program.ts";
import bash from "./sluice.bash" with { type: "text" };
import fish from "./sluice.fish" with { type: "text" };
import powershell from "./sluice.ps1" with { type: "text" };
import zsh from "./sluice.zsh" with { type: "text" };

const SCRIPTS: Record<string, string> = { bash, zsh, fish, powershell };

export function addCompletion(program: Program): void {
  program
    .command("complete")
    .description("print what a shell needs to complete these commands")
    .addArgument(new Argument("<shell>", "the shell that reads it").choices(Object.keys(SCRIPTS)))
    .addHelpText(
      "after",
      examples(
        "source <(sluice complete bash)              # in ~/.bashrc",
        "source <(sluice complete zsh)               # in ~/.zshrc, after compinit",
        "sluice complete fish | source               # in ~/.config/fish/config.fish",
      ),
    )
    .action((shell) => void process.stdout.write(SCRIPTS[shell] ?? ""));
}

/** The words to complete, if `args` are the question of a script; `null`: an ordinary command line. */
export function wordsToComplete(args: readonly string[]): string[] | null {
  return args[0] === "complete" && args[1] === "--" ? args.slice(2) : null;
}
