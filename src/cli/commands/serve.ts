import { dirname, join } from "node:path";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { readSignIn, type SignInVars, whyAdminIsOff } from "../../config/admin.ts";
import { counted, listed } from "../../words/phrases.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { Signals } from "../process/signals.ts";
import { durationOption, examples, type Program } from "../program.ts";
import { refuseNoPem } from "../serve/pem.ts";
import { secretsBeside } from "../serve/secrets.ts";
import { serve } from "../serve/serve.ts";
import { readSettings } from "../serve/settings.ts";
import { socketsOfSystemd } from "../serve/systemd.ts";
import { findingLine } from "../terminal/finding.ts";
import { printable, styleOf } from "../terminal/output.ts";
import { checkWranglerFile } from "../wrangler-file/check.ts";
import { DEV_VARS } from "../wrangler-file/dev-vars.ts";
import { openWranglerFile, type WranglerFile } from "../wrangler-file/open.ts";
import { WRANGLER_FILES } from "../wrangler-file/read.ts";

const DEFAULT_ADDRESS = "127.0.0.1:8787";
const GRACE_MS = 30_000;

export function addServe(program: Program): void {
  program
    .command("serve")
    .description("run Sluice on this machine, without Cloudflare: the same Worker, its state on disk")
    .argument("[file]", `by default the file that wrangler takes: ${WRANGLER_FILES.join(", ")}`)
    .option("--env <name>", "the environment of the file that is served")
    .option("--listen <address>", `host:port; may be repeated (default: ${DEFAULT_ADDRESS})`, addAddress)
    .option("--data <folder>", "where its state is (default: .sluice beside the file)")
    .option("--tls-cert <file>", "serve https: the certificate and its chain, PEM")
    .option("--tls-key <file>", "and its key, PEM")
    .option("--server-ca <file>", "also trust servers with certificates of this authority, PEM")
    .option("--behind-proxy", "believe X-Forwarded-Proto, and the last address of X-Forwarded-For")
    .addOption(
      durationOption("--grace <duration>", "how long a stop lets requests end").default(GRACE_MS, "30s"),
    )
    .addHelpText(
      "after",
      examples(
        "sluice serve",
        "sluice serve wrangler.toml --listen 0.0.0.0:80 --data /var/lib/sluice",
        "sluice serve --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem",
      ),
    )
    .action(async (given, options) => {
      const opened = await openWranglerFile(given);
      refuseErrors(opened);
      const { file, kind, text } = opened;
      const settings = readSettings(text, kind, options.env ?? null);
      const handedOn = options.listen ? [] : socketsOfSystemd(process.env);
      const addresses =
        options.listen ?? (handedOn.length > 0 ? handedOn.map(() => "*:0") : [DEFAULT_ADDRESS]);
      const { serverCa = null } = options;
      const tls = await tlsOf(options.tlsCert, options.tlsKey);
      if (serverCa !== null) await refuseNoPem("--server-ca", serverCa, "certificate");
      const secrets = await secretsBeside(file, options.env, settings);
      const data = options.data ?? join(dirname(file), ".sluice");
      await serve(
        {
          settings,
          secrets,
          network: {
            addresses,
            handedOn,
            tls,
            behindProxy: options.behindProxy ?? false,
            serverCa,
          },
          data,
          project: dirname(file),
          graceMs: options.grace,
        },
        new Signals(),
        (ports) => {
          const what = `${counted(settings.pools.length, "pool")}, ${counted(settings.servers, "server")}`;
          const urls = addresses.map((address, n) => urlOf(address, ports[n] ?? 0, tls !== null));
          process.stderr.write(
            `sluice: serves ${what} of ${printable(file)} on ${listed(urls)}, state in ${printable(data)}\n`,
          );
          for (const line of signInLines({ ...settings.variables, ...secrets }))
            process.stderr.write(`sluice: ${line}\n`);
        },
      );
    });
}

/** What whoever starts it should know of the ways to sign in. */
function signInLines(vars: SignInVars): string[] {
  const signIn = readSignIn(vars);
  const why = whyAdminIsOff(signIn);
  const others = signIn.problems.filter((problem) => problem !== why);
  const mistakes = others.map((problem) => `warning: ${printable(problem)}`);
  if (why === null) return mistakes;
  const how = `put an ADMIN_TOKEN into ${DEV_VARS} or the environment`;
  return [...mistakes, `${why}, so the admin side is off and nobody can drain: ${how}`];
}

/** `127.0.0.1:8787`, `[::1]:8787`, `*:80`, `localhost:0`. */
function addAddress(text: string, before: string[] | undefined): string[] {
  const [, port] = /^(?:\*|[\w.-]+|\[[\da-f:.]+\]):(\d{1,5})$/i.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new InvalidArgumentError(`Allowed is host:port, as in "${DEFAULT_ADDRESS}", "[::1]:80" or "*:80".`);
  }
  return [...(before ?? []), text];
}

/** With the port that the system has chosen, where the address leaves it to the system. */
function urlOf(address: string, port: number, isSecure: boolean): string {
  return `${isSecure ? "https" : "http"}://${address.replace(/:0+$/, `:${port}`)}`;
}

async function tlsOf(
  cert: string | undefined,
  key: string | undefined,
): Promise<{ cert: string; key: string } | null> {
  if (cert === undefined && key === undefined) return null;
  if (cert === undefined || key === undefined)
    throw new CliError(EXIT.usage, "--tls-cert and --tls-key belong together.");
  await refuseNoPem("--tls-cert", cert, "certificate");
  await refuseNoPem("--tls-key", key, "private key");
  return { cert, key };
}

/** What would not work on Cloudflare does not start here either. */
function refuseErrors({ file, kind, text }: WranglerFile): void {
  const errors = checkWranglerFile(text, kind).findings.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return;
  const style = styleOf(process.stderr);
  process.stderr.write(errors.map((finding) => `${findingLine(file, finding, style)}\n`).join(""));
  throw new CliError(
    EXIT.invalid,
    `${counted(errors.length, "error")} in ${printable(file)}: nothing is served`,
  );
}
