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

/** Without `-o default` it never completes files, whatever we say of them. */
const BASH_BIND = "complete -F __sluice_complete sluice";
const BASH_BIND_FILES = "complete -o default -F __sluice_complete sluice";

/** How the scripts, cobra's of old, are told that nothing but files can stand here. */
const FILES = ":0";

/** It asks by running what was typed so far: a `$(…)` or a `> file` in it would be carried out by the Tab key. */
const BASH_EVAL = 'out=$(eval "$requestComp" 2>/dev/null)';
const BASH_CALL = `out=$(sluice complete -- "\${words[@]:1:cword}" 2>/dev/null)`;

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
    if (shell !== "bash") return print(name, executable, shell);
    const script = printed(() => print(name, executable, shell));
    if (![BASH_EVAL, BASH_BIND].every((line) => script.includes(line))) {
      throw new Error("the script for bash is not the one that was read");
    }
    const mended = script.replace(BASH_EVAL, () => BASH_CALL).replace(BASH_BIND, BASH_BIND_FILES);
    console.log([BASH_HEAD, mended, BASH_FOOT].join("\n"));
  };
  const answer = completion.parse.bind(completion);
  completion.parse = (words) => (takesFile(words) ? console.log(FILES) : answer(words));
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

/** Whether the last of these words is part of a command to be run, or the file that is to be checked. */
function takesFile(words: readonly string[]): boolean {
  const before = words.slice(0, -1);
  if (before.includes("--")) return true;
  const isValue = ["--longest-drain", "--against", "--env", "--url", "--token"].includes(before.at(-1) ?? "");
  return before.includes("check") && !isValue && !words.at(-1)?.startsWith("-");
}

/** What a library prints that has no other way to say it. */
function printed(print: () => void): string {
  const { log } = console;
  const lines: string[] = [];
  console.log = (...words) => lines.push(words.join(" "));
  try {
    print();
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}
