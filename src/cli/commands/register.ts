import { hostname } from "node:os";
import { Help, InvalidArgumentError } from "@commander-js/extra-typings";
import { SLOTS, WEIGHT } from "../../config/limits.ts";
import { isName, NAME_ALLOWED } from "../../config/names.ts";
import { clientOf, contextOf } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { refuseMissing } from "../process/refuse-missing.ts";
import { Signals } from "../process/signals.ts";
import { durationOption, examples, type Program, wholeOption } from "../program.ts";
import { register } from "../register/register.ts";
import { RegisterProgress } from "../register/register-progress.ts";
import { Reporter } from "../terminal/reporter.ts";

export function addRegister(program: Program): void {
  const command = program
    .command("register")
    .description("have a server in its pool while it runs: register, renew, leave")
    .usage("--pool <pool> --url <origin> [options] [-- <command...>]")
    .argument("[command...]", "the server, after --; its output passes through, and its end is ours")
    .requiredOption("--pool <pool>", "the pool, whose key `register` lets the server come")
    // The program takes it, wherever it stands.
    .option("--url <origin>", "where the server is, as Sluice reaches it; where Sluice is, SLUICE_URL says")
    .option("--name <name>", "what the server is called (default: this host's name)", nameOption)
    .option("--slots <n>", "requests that it gets at a time (default: the pool's)", wholeOption(...SLOTS))
    .option("--weight <n>", "its share among the servers", wholeOption(...WEIGHT))
    .addOption(durationOption("--every <duration>", "how often it renews", "100ms").default(10_000, "10s"))
    .addOption(
      durationOption("--expires <duration>", "when it is out if it does not renew", "1s").default(
        30_000,
        "30s",
      ),
    )
    .addOption(
      durationOption("--drain-timeout <duration>", "how long to wait for its requests at the end").default(
        60_000,
        "60s",
      ),
    )
    .addHelpText(
      "after",
      examples(
        "sluice register --pool gpu --url http://10.0.0.7:8000 -- ./serve --port 8000",
        "sluice register --pool gpu --url https://gpu-7.gpu.example.com --name gpu-7 --slots 4",
      ),
    );
  command.configureHelp({
    showGlobalOptions: true,
    visibleGlobalOptions(of) {
      const all = Help.prototype.visibleGlobalOptions.call(this, of);
      return all.filter(({ long }) => long !== "--url");
    },
  });
  command.action(async (words, options, self) => {
    const { pool, name = nameOfHost(), slots, weight, every, expires, drainTimeout } = options;
    const { url, ...global } = self.optsWithGlobals();
    if (url === undefined)
      throw new CliError(
        EXIT.usage,
        "Say where the server is, as Sluice reaches it: --url http://10.0.0.7:8000.",
      );
    if (every >= expires)
      throw new CliError(
        EXIT.usage,
        "--every has to be shorter than --expires, or the server is out in between.",
      );
    const { err, json } = contextOf(global);
    if (words.length > 0) refuseMissing(words, process.env);
    const client = clientOf(global);
    const progress = new RegisterProgress(pool, name, new Reporter(err, json));
    process.exitCode = await register(
      client,
      {
        ...{ pool, name, url, slots, weight, command: words },
        ...{ everyMs: every, expiresMs: expires, drainTimeoutMs: drainTimeout },
      },
      new Signals(),
      progress,
    );
  });
}

function nameOption(text: string): string {
  if (isName(text)) return text;
  throw new InvalidArgumentError(`Allowed is ${NAME_ALLOWED}.`);
}

function nameOfHost(): string {
  const [label = ""] = hostname().split(".");
  const name = label
    .replaceAll(/[^A-Za-z0-9_-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 63);
  if (isName(name)) return name;
  throw new CliError(EXIT.usage, "This host has no name that a server can have: give --name.");
}
