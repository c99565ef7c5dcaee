import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { contextOf, printJson, printLines } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { poolTableOf, READ } from "../init/answers.ts";
import { type Conversion, convertHaproxy } from "../init/haproxy/convert.ts";
import type { PoolTable } from "../init/pool-table.ts";
import { type Project, WRANGLER_FILE, wranglerFileOf } from "../init/project.ts";
import { ask } from "../init/questions.ts";
import { fileLines, nextLines, remarkLines } from "../init/report.ts";
import { refuseOtherWranglerFile, writeProject } from "../init/write-project.ts";
import { examples, type Program } from "../program.ts";
import { findingLine } from "../terminal/finding.ts";
import { printable, styleOf } from "../terminal/output.ts";
import { checkWranglerFile } from "../wrangler-file/check.ts";

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
    .option(
      "--from <haproxy.cfg>",
      "take pools and servers from HAProxy's configuration, and tell of each line",
    )
    .option("--package <spec>", "where npm gets Sluice: a version, a tarball or a git URL")
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
      const { from, force = false } = options;
      await refuseOtherWranglerFile(folder, force);
      const conversion = from === undefined ? null : await conversionOf(from);
      const asks =
        !options.yes && !json && conversion === null && process.stdin.isTTY && process.stdout.isTTY;
      const { host, zone, server, slots, check } = asks ? await ask(options) : options;
      const pool = { pool: options.pool, host, servers: server ?? [], slots: slots ?? 1, check };
      const pools: PoolTable[] = conversion?.pools ?? [poolTableOf(pool)];
      const project: Project = {
        worker: options.name,
        route: host === undefined ? null : { host, zone: zone ?? null },
        pools,
        spec: options.package ?? null,
        token: randomBytes(32).toString("hex"),
        nodeVersion: process.versions.node,
      };
      const style = styleOf(out);
      const remarks =
        from === undefined || conversion === null ? [] : remarkLines(from, conversion.remarks, style);
      if (pools.length === 0) {
        if (json) printJson(out, { folder, files: [], remarks: conversion?.remarks ?? [], findings: [] });
        else printLines(out, remarks);
        throw new CliError(
          EXIT.invalid,
          `${printable(from ?? "")} has no HTTP server for a pool: nothing was written.`,
        );
      }
      const files = await writeProject(folder, project);
      const { findings } = checkWranglerFile(wranglerFileOf(project), "toml");
      if (json) printJson(out, { folder, files, remarks: conversion?.remarks ?? [], findings });
      else {
        const found = findings.map((finding) => findingLine(WRANGLER_FILE, finding, style));
        const blocks = [remarks, fileLines(folder, files), found, nextLines(folder)];
        printLines(
          out,
          blocks
            .filter((block) => block.length > 0)
            .flatMap((block) => [...block, ""])
            .slice(0, -1),
        );
      }
      if (findings.some(({ severity }) => severity === "error")) process.exitCode = EXIT.invalid;
    });
}

async function conversionOf(file: string): Promise<Conversion> {
  try {
    const { pools, remarks } = convertHaproxy(await readFile(file, "utf8"));
    const source = basename(resolve(file));
    return { pools: pools.map((pool) => ({ ...pool, comments: [`From ${printable(source)}.`] })), remarks };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CliError(EXIT.usage, `Cannot read "${printable(file)}": ${printable(message)}.`);
  }
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
