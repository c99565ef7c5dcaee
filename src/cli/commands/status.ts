import { clientOf, contextOf, printJson, printLines } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { examples, type Program } from "../program.ts";
import { styleOf, widthOf } from "../terminal/output.ts";
import { poolsView, poolView, unreachableView } from "../terminal/views.ts";

export function addStatus(program: Program): void {
  program
    .command("status")
    .description("show all pools, or one pool and its servers")
    .argument("[pool]", "only this pool, with its servers")
    .addHelpText("after", examples("sluice status", "sluice status web", "sluice status web --json"))
    .action(async (pool, _options, command) => {
      const { out, json } = contextOf(command.optsWithGlobals());
      const client = clientOf(command.optsWithGlobals());
      const style = styleOf(out);
      if (pool === undefined) {
        const { pools, unreachable } = await client.pools();
        if (json) printJson(out, { pools, unreachable });
        else
          printLines(out, [...poolsView(pools, style, widthOf(out)), ...unreachableView(unreachable, style)]);
        if (unreachable.length > 0) process.exitCode = EXIT.unreachable;
      } else {
        const snapshot = await client.pool(pool);
        if (json) printJson(out, snapshot);
        else printLines(out, poolView(snapshot, style, Date.now(), widthOf(out)));
      }
    });
}
