import tab from "@bomb.sh/tab/commander";
import type { Program } from "./program.ts";

/** `sluice complete bash|zsh|fish` prints what a shell needs to complete our commands and options. */
export function addCompletion(program: Program): void {
  tab(program as unknown as Parameters<typeof tab>[0]);
}
