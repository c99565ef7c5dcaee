import type { Snapshot } from "../../scheduler/snapshot.ts";
import { clock } from "../../words/times.ts";
import type { AdminClient } from "../client/admin-client.ts";
import { DrainHeld } from "../client/failures.ts";
import { MissingRight } from "../client/missing-right.ts";
import { clientOf, contextOf, printJson } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { examples, type Program } from "../program.ts";
import { counts } from "../terminal/counts.ts";
import { holderOf, quoted } from "../terminal/output.ts";

export function addResume(program: Program): void {
  program
    .command("resume")
    .description("end a drain or a stop: the queue goes on in its order")
    .argument("<pool>", "the pool to resume")
    .option("--owner <text>", "whose drain, if it was begun with --owner")
    .option("--force", "also a drain of yours with another owner, or by the right `force` somebody else's")
    .addHelpText("after", examples("sluice resume web", "sluice resume web --force"))
    .action(async (pool, { owner, force }, command) => {
      const { out, json } = contextOf(command.optsWithGlobals());
      const client = clientOf(command.optsWithGlobals());
      const snapshot = await client.resume(pool, { owner, force }).catch(async (error) => {
        if (error instanceof DrainHeld)
          throw new CliError(EXIT.held, `${error.message}${await howInstead(client, pool, error.drain)}`);
        if (!(error instanceof MissingRight) || error.right !== "force") throw error;
        throw new CliError(error.exitCode, `${error.message}${await whoseInstead(client, pool)}`);
      });
      if (json) printJson(out, snapshot);
      else out.write(`${pool} runs: ${counts(snapshot)}\n`);
    });
}

type Drain = NonNullable<Snapshot["drain"]>;

/** How to end a drain of another owner, as far as one may; nothing if Sluice does not tell what one may do. */
async function howInstead(client: AdminClient, pool: string, drain: Drain | null): Promise<string> {
  const me = await client.me({ pool }).catch(() => null);
  if (me === null || drain === null) return "";
  const mayForce = Object.hasOwn(me.pools, pool) && me.pools[pool]?.includes("force");
  // Another drain of one's own takes no right.
  if (mayForce || drain.by === me.name) return ` To end it all the same: sluice resume ${pool} --force`;
  return ` ${quoted(me.name)} does not have the right "force" to end it all the same: ${askOrWait(drain)}`;
}

/** Who may end the drain that one may not end oneself; nothing if that cannot be seen. */
async function whoseInstead(client: AdminClient, pool: string): Promise<string> {
  const drain = await client.pool(pool).then(
    ({ drain }) => drain,
    () => null,
  );
  return drain === null
    ? ""
    : ` The ${drain.stop ? "stop" : "drain"} is of ${holderOf(drain)}: ${askOrWait(drain)}`;
}

function askOrWait({ by, expiresAt }: Drain): string {
  const end = clock(expiresAt, Date.now());
  return `ask ${quoted(by)} to resume, or wait until it ends by itself at ${end}.`;
}
