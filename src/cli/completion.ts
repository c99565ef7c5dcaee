import tab from "@bomb.sh/tab/commander";
import { examples, type Program } from "./program.ts";

const DESCRIPTION = "print what a shell needs to complete these commands";
const SHELLS = ["bash", "zsh", "fish", "powershell"];

/**
 * What the script for bash takes for granted: the package bash-completion, which macOS and small systems have not,
 * and that it is read only once; again, its constants would complain (@bomb.sh/tab 0.0.22).
 */
const BASH_HEAD = `if ! declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref() {
        words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD
        cur=\${words[cword]} prev=\${words[cword-1]}
    }
fi
if ! declare -F __sluice_complete >/dev/null; then`;
const BASH_FOOT = "fi";

/** `sluice complete bash|zsh|fish` prints what a shell needs to complete our commands and options. */
export function addCompletion(program: Program): void {
  const completion = tab(program as unknown as Parameters<typeof tab>[0]);
  for (const command of completion.commands.values()) {
    for (const [name, option] of completion.options) command.options.set(name, option);
  }
  const own = completion.commands.get("complete");
  if (own) own.description = DESCRIPTION;
  own?.argument("shell", (complete) => {
    for (const shell of SHELLS) complete(shell, "");
  });
  const print = completion.setup.bind(completion);
  completion.setup = (name, executable, shell) => {
    if (shell === "bash") console.log(BASH_HEAD);
    print(name, executable, shell);
    if (shell === "bash") console.log(BASH_FOOT);
  };
  program.commands
    .find((command) => command.name() === "complete")
    ?.description(DESCRIPTION)
    .addHelpText(
      "after",
      examples(
        "source <(sluice complete bash)              # in ~/.bashrc",
        "source <(sluice complete zsh)               # in ~/.zshrc, after compinit",
        "sluice complete fish | source               # in ~/.config/fish/config.fish",
      ),
    );
}
