import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { USUAL_SLOTS } from "../../config/limits.ts";
import { contextOf, printJson, printLines } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { poolTableOf, READ } from "../init/answers.ts";
import { type Conversion, convertHaproxy } from "../init/haproxy/convert.ts";
import { packageSpec } from "../init/package-spec.ts";
import { PACKAGE, WRANGLER_FILE, wranglerFileOf } from "../init/project.ts";
import { ask } from "../init/questions.ts";
import { type Outcome, outcomeLines } from "../init/report.ts";
import { refuseOtherWranglerFile, writeProject } from "../init/write-project.ts";
import { examples, type Program } from "../program.ts";
import { printable, styleOf } from "../terminal/output.ts";
import { checkWranglerFile } from "../wrangler-file/check.ts";

/** More than HAProxy itself takes by default, and than any variable holds. */
const LARGEST_PAGE_BYTES = 1024 * 1024;

export function addInit(program: Program): void {
  program
    .command("init")
    .description("make a project of your own: wrangler.toml, package.json, .dev.vars and .gitignore")
    .argument("[folder]", "where to; it is made if it is not there", ".")
    .option("--yes", "ask nothing, and take defaults for what no option says")
    .option("--name <worker>", "the Worker's name at Cloudflare", reading(READ.worker), "sluice")
    .option("--pool <name>", "the pool's name", reading(READ.pool), "web")
    .option("--host <name>", "the host name that clients use", reading(READ.host))
    .option("--zone <name>", "the Cloudflare zone in which it exists already", reading(READ.host))
    .option("--server <url...>", "the servers", readingList(READ.server))
    .option("--slots <n>", "requests that each server may have at once", reading(READ.slots))
    .option("--check <path>", "what a health check asks the servers for", reading(READ.path))
    .addOption(
      new Option(
        "--from <haproxy.cfg>",
        "take pools and servers from HAProxy's configuration, and tell of each line",
      ).conflicts(["pool", "server", "slots", "check"]),
    )
    .option(
      "--package <spec>",
      "where npm gets Sluice: a version, a tarball or a git URL (default: what package.json here says)",
    )
    .option("--force", `replace the ${WRANGLER_FILE} that is there`)
    .addHelpText(
      "after",
      examples(
        "sluice init",
        "sluice init my-queue --yes --host app.example.com --server https://web-1.example.com",
        "sluice init my-queue --from /etc/haproxy/haproxy.cfg",
      ),
    )
    .action(async (folder, options, command) => {
      const { out, json } = contextOf(command.optsWithGlobals());
      const { from, pool, name: worker, force = false, package: given } = options;
      await refuseOtherWranglerFile(folder, force);
      const conversion = from === undefined ? null : await conversionOf(from);
      const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
      const asks = !options.yes && !json && conversion === null && isTerminal;
      const {
        host,
        zone = null,
        server = [],
        slots = USUAL_SLOTS,
        check,
      } = asks ? await ask(options) : options;
      if (host === undefined && zone !== null) {
        throw new CliError(
          EXIT.usage,
          "--zone is the zone of a host name: give --host too. Nothing was written.",
        );
      }
      const pools = conversion?.pools ?? [poolTableOf({ pool, host, servers: server, slots, check })];
      const route = host === undefined ? null : { host, zone };
      const spec = await packageSpec(given, PACKAGE, { here: ".", folder });
      const token = randomBytes(32).toString("hex");
      const { variables = {} } = conversion ?? {};
      const project = { worker, route, pools, variables, spec, token, nodeVersion: process.versions.node };
      const isEmpty = pools.length === 0;
      const outcome: Outcome = {
        folder,
        files: isEmpty ? [] : await writeProject(folder, project, force),
        remarks: conversion?.remarks ?? [],
        findings: isEmpty ? [] : checkWranglerFile(wranglerFileOf(project), "toml").findings,
      };
      if (json) printJson(out, outcome);
      else printLines(out, outcomeLines(outcome, from ?? "", styleOf(out)));
      if (isEmpty) throw noPool(from ?? "");
      if (outcome.findings.some(({ severity }) => severity === "error")) process.exitCode = EXIT.invalid;
    });
}

async function conversionOf(file: string): Promise<Conversion> {
  const conversion = convertHaproxy(await textOf(file), (path) => pageIn(resolve(dirname(file), path)));
  const comments = [`From ${printable(basename(resolve(file)))}.`];
  return { ...conversion, pools: conversion.pools.map((pool) => ({ ...pool, comments })) };
}

/** The text of a page, as HAProxy answers with it; `null`: there is none that could be one. */
function pageIn(path: string): string | null {
  try {
    const found = statSync(path);
    return !found.isFile() || found.size > LARGEST_PAGE_BYTES ? null : readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { message } = error as Error;
    throw new CliError(EXIT.usage, `Cannot read "${printable(file)}": ${printable(message)}.`);
  }
}

function noPool(file: string): CliError {
  return new CliError(EXIT.invalid, `${printable(file)} has no HTTP server for a pool: nothing was written.`);
}

/** For an option's value, whose error commander prints. */
function reading<T>(read: (given: string) => T): (given: string) => T {
  return (given) => {
    try {
      return read(given);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

function readingList<T>(read: (given: string) => T): (given: string, before: T[] | undefined) => T[] {
  return (given, before = []) => [...before, reading(read)(given)];
}
