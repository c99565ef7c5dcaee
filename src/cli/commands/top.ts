import { clientOf, contextOf } from "../context.ts";
import { CliError } from "../exit-codes.ts";
import { Signals } from "../process/signals.ts";
import { examples, type Program } from "../program.ts";
import { Changes } from "../terminal/changes.ts";
import { Screen } from "../terminal/screen.ts";
import { styleOf } from "../terminal/style.ts";
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
      const signals = new Signals();
      const ask = async () =>
        pool === undefined ? client.pools(signals.stop) : [await client.pool(pool, signals.stop)];
      const view = new TopView(styleOf(out), pool !== undefined);
      // The first answer decides whether there is anything to watch.
      const first = await ask().catch((error) => {
        if (signals.stop.aborted) return null;
        throw error;
      });
      if (!first) return;
      view.show(first);
      // Whoever read it has seen enough.
      out.on("error", () => process.exit(0));
      const changes = new Changes(out, json);
      const screen = out.isTTY && !json ? screenFor(view, () => process.kill(process.pid, "SIGINT")) : null;
      try {
        for (;;) {
          if (screen) screen.draw((width) => view.lines(width));
          else changes.print(view.pools);
          await signals.sleep(ASK_EVERY_MS);
          try {
            view.show(await ask());
          } catch (error) {
            if (signals.stop.aborted || !(error instanceof CliError)) throw error;
            view.lost(error.message);
            if (!screen) changes.lost(error.message);
          }
        }
      } catch (error) {
        if (!signals.stop.aborted) throw error;
      } finally {
        screen?.close();
      }
    });
}

function screenFor(view: TopView, quit: () => void): Screen {
  const screen: Screen = new Screen(process.stdout, process.stdin, {
    resize: () => screen.draw((width) => view.lines(width)),
    quit,
  });
  return screen;
}
