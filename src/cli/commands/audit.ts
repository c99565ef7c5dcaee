import { Option } from "@commander-js/extra-typings";
import { clientOf, contextOf, printJson, printLines } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { examples, type Program, wholeOption } from "../program.ts";
import { auditView } from "../terminal/audit-view.ts";
import { printable, styleOf, widthOf } from "../terminal/output.ts";
import { unreachableView } from "../terminal/views.ts";

const [USUAL_LIMIT, MOST] = [100, 1_000];

export function addAudit(program: Program): void {
  program
    .command("audit")
    .description("list who has changed what, and from where: the last changes of all pools, or of one")
    .argument("[pool]", "only this pool's")
    .addOption(
      new Option("--limit <n>", `list so many at most, the newest first (default: ${USUAL_LIMIT})`).argParser(
        wholeOption(1, MOST),
      ),
    )
    .addHelpText("after", examples("sluice audit", "sluice audit web --limit 20", "sluice audit web --json"))
    .action(async (pool, { limit = USUAL_LIMIT }, command) => {
      const { out, err, json } = contextOf(command.optsWithGlobals());
      const list = await clientOf(command.optsWithGlobals()).audit({ pool, limit });
      const { changes, next, unreachable } = list;
      const style = styleOf(out);
      if (json) printJson(out, list);
      else if (changes.length > 0)
        printLines(out, auditView(changes, pool === undefined, style, Date.now(), widthOf(out)));
      else printLines(out, [`nobody has changed ${pool === undefined ? "anything" : printable(pool)} yet`]);
      // Not among the lines of the table, which may be counted.
      if (!json && next !== null)
        err.write(`sluice: there are more than these ${changes.length}; --limit ${MOST} lists more\n`);
      if (!json) for (const line of unreachableView(unreachable, styleOf(err))) err.write(`${line}\n`);
      if (unreachable.length > 0) process.exitCode = EXIT.unreachable;
    });
}
