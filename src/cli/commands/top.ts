import { setTimeout as sleep } from "node:timers/promises";
import { clientOf, contextOf } from "../context.ts";
import { CliError } from "../exit-codes.ts";
import { Signals } from "../process/signals.ts";
import { examples, type Program } from "../program.ts";
import { Changes } from "../terminal/changes.ts";
import { canRedraw, styleOf } from "../terminal/output.ts";
import { Screen } from "../terminal/screen.ts";
import { TopView } from "../terminal/top-view.ts";

const ASK_EVERY_MS = 1_000;

export function addTop(program: Program): void {
  program
    .command("top")
    .description("watch all pools, or one pool and its servers, live; q quits")
    .argument("[pool]", "only this pool, with its servers")
    .addHelpText("after", examples("sluice top", "sluice top web", "sluice top web --json | jq .queued"))
    .action(async (pool, _options, command) => {
      const { out, json } = contextOf(command.optsWithGlobals());
      const client = clientOf(command.optsWithGlobals());
      const over = new AbortController();
      const stop = AbortSignal.any([new Signals().stop, over.signal]);
      const ask = async () =>
        pool === undefined ? client.pools(stop) : { pools: [await client.pool(pool, stop)], unreachable: [] };
      const view = new TopView(styleOf(out), pool !== undefined);
      // Without a first answer there is nothing to watch, and `top` fails.
      const first = await ask().catch((error) => {
        if (stop.aborted) return null;
        throw error;
      });
      if (!first) return;
      view.update(first, Date.now());
      // The reader of the output has gone.
      out.on("error", () => over.abort());
      const changes = new Changes(out, json);
      const screen = canRedraw(out) && !json ? screenFor(view, () => over.abort()) : null;
      try {
        for (;;) {
          if (screen) screen.draw((width) => view.lines(width, Date.now()));
          else changes.print(view.latest, Date.now());
          await sleep(ASK_EVERY_MS, undefined, { signal: stop });
          try {
            view.update(await ask(), Date.now());
          } catch (error) {
            if (stop.aborted || !(error instanceof CliError)) throw error;
            view.setError(error.message);
            if (!screen) changes.printOutage(error.message);
          }
        }
      } catch (error) {
        if (!stop.aborted) throw error;
      } finally {
        screen?.close();
      }
    });
}

function screenFor(view: TopView, quit: () => void): Screen {
  const screen: Screen = new Screen(process.stdout, process.stdin, {
    resize: () => screen.draw((width) => view.lines(width, Date.now())),
    quit,
  });
  return screen;
}
