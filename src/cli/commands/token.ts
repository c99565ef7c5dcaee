import { text } from "node:stream/consumers";
import { clientOf, contextOf } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { examples, type Program } from "../program.ts";
import { makeToken, revokeToken } from "../token/change-tokens.ts";
import { checkTokenFile, checkTokenThere } from "../token/check-token.ts";
import { RIGHTS_ALLOWED, readPoolNames, readRights } from "../token/rights-options.ts";
import { USUAL_FILE } from "../token/storing.ts";

export function addToken(program: Program): void {
  const token = program
    .command("token")
    .description("make tokens for people and programs, see what one may do, take one out")
    .addHelpText(
      "after",
      examples(
        `sluice token new ci --may look,drain --pools web --into ${USUAL_FILE}`,
        "sluice token check",
        `sluice token revoke ci --from ${USUAL_FILE}`,
      ),
    );
  addNew(token);
  addCheck(token);
  addRevoke(token);
}

type Parent = ReturnType<Program["command"]>;

function addNew(token: Parent): void {
  token
    .command("new")
    .description(
      "make a token, printed this once, and say what to store of it; a second one for a name that has one",
    )
    .argument("<name>", "who gets it")
    .option("--may <rights>", `what it may do: ${RIGHTS_ALLOWED}`, readRights)
    .option("--pools <pools>", "for which pools (default: all)", readPoolNames)
    .option("--into <file>", "add its digest to this file, which has no tokens, so that git may keep it")
    .option("--replace", "with --into: of two tokens of the name the older goes")
    .addHelpText(
      "after",
      examples(
        `sluice token new ci --may look,drain --pools web --into ${USUAL_FILE} | gh secret set SLUICE_TOKEN`,
        `sluice token new ci --into ${USUAL_FILE}          # the next one, with the same rights`,
        "sluice token new jane --may all --json",
      ),
    )
    .action(async (name, { may, pools, into = null, replace = false }, command) => {
      if (replace && into === null)
        throw new CliError(EXIT.usage, "--replace needs --into: it is for what is in a file.");
      await makeToken(contextOf(command.optsWithGlobals()), { name, may, pools, into, replace });
    });
}

function addCheck(token: Parent): void {
  token
    .command("check")
    .description("say whose a token is and what it may do: as the Worker sees it, or by a file")
    .option("--from <file>", "ask nobody: whose it is in this file of digests, and what is wrong in that")
    .option("--stdin", "read the token from stdin instead of SLUICE_TOKEN")
    .addHelpText(
      "after",
      examples(
        "sluice token check",
        `sluice token check --from ${USUAL_FILE}`,
        `pbpaste | sluice token check --from ${USUAL_FILE} --stdin`,
      ),
    )
    .action(async ({ from, stdin }, command) => {
      const options = command.optsWithGlobals();
      const context = contextOf(options);
      if (options.token !== undefined && (from !== undefined || stdin))
        throw new CliError(
          EXIT.usage,
          "Others can see --token: set SLUICE_TOKEN, or pipe the token in with --stdin.",
        );
      const given = stdin ? (await text(process.stdin)).trim() : undefined;
      if (given === "") throw new CliError(EXIT.usage, "There is no token on stdin.");
      if (from !== undefined) await checkTokenFile(context, from, given ?? process.env.SLUICE_TOKEN ?? "");
      else
        await checkTokenThere(
          context,
          clientOf(given === undefined ? options : { ...options, token: given }),
        );
    });
}

function addRevoke(token: Parent): void {
  token
    .command("revoke")
    .description("take a name out of a file of digests, or the older of its two tokens")
    .argument("<name>", "who has it")
    .requiredOption("--from <file>", "the file that `token new --into` made")
    .option("--old", "only the older of two tokens: the newer one stays valid")
    .addHelpText(
      "after",
      examples(
        `sluice token revoke ci --old --from ${USUAL_FILE}`,
        `sluice token revoke jane --from ${USUAL_FILE}`,
      ),
    )
    .action(async (name, { from, old = false }, command) => {
      await revokeToken(contextOf(command.optsWithGlobals()), { name, from, onlyOld: old });
    });
}
