import tab from "@bomb.sh/tab/commander";
import { examples, type Program } from "./program.ts";

/** `sluice complete bash|zsh|fish` prints what a shell needs to complete our commands and options. */
export function addCompletion(program: Program): void {
  tab(program as unknown as Parameters<typeof tab>[0]);
  program.commands
    .find((command) => command.name() === "complete")
    ?.description("print what a shell needs to complete these commands")
    .addHelpText(
      "after",
      examples(
        "source <(sluice complete bash)              # in ~/.bashrc",
        "source <(sluice complete zsh)               # in ~/.zshrc",
        "sluice complete fish | source               # in ~/.config/fish/config.fish",
      ),
    );
}
