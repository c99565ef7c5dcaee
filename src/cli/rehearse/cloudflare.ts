import { randomBytes } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError, EXIT } from "../exit-codes.ts";
import { printable } from "../terminal/output.ts";
import { rehearsalBundle } from "./bundle.ts";
import { Probe } from "./probe.ts";
import { type Setting, wranglerFiles } from "./project.ts";
import type { Stage } from "./stage.ts";
import { Wrangler, type WranglerEnd, type WranglerOptions } from "./wrangler.ts";

/** How long a new address may take until its name and certificate are everywhere, in ms. */
const UNTIL_IT_ANSWERS_MS = 120_000;
const LOOK_EVERY_MS = 1_000;
const DELETE_ATTEMPTS = 3;
const LINES_SHOWN = 12;

const [SLUICE, SERVERS, DEPLOYED] = ["sluice.json", "servers.json", "deployed.ndjson"];

interface Options extends Setting {
  say: (words: string) => void;
  stop: AbortSignal;
}

interface Begun {
  name: string;
  /** wrangler's configuration. */
  file: string;
}

/** The stage on Cloudflare, in the account that wrangler is logged in to: two Workers of their own names. */
export class CloudflareStage implements Stage {
  readonly where = "deployed";
  readonly token = randomBytes(32).toString("hex");
  readonly crash = null;
  readonly name = `sluice-rehearsal-${randomBytes(4).toString("hex")}`;
  url = "";
  readonly #options: Options;
  #folder = "";
  #wrangler: Wrangler | null = null;
  /** The Workers that may be there, even if their deploy has failed. The last one is deleted first. */
  readonly #begun: Begun[] = [];

  constructor(options: Options) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { say } = this.#options;
    this.#folder = await mkdtemp(join(tmpdir(), "sluice-rehearse-"));
    this.#wrangler = new Wrangler(this.#folder, process.cwd());
    await this.#requireLogin();
    await copyFile(rehearsalBundle(), join(this.#folder, "worker.js"));
    const files = await this.#writeFiles("1");
    say(`deploying ${files.sluice.name} and ${files.servers.name}`);
    await this.#deploy(files.servers.name, SERVERS);
    await this.#deploy(files.sluice.name, SLUICE);
    this.url = await this.#deployedUrl();
    const secret = ["secret", "put", "ADMIN_TOKEN", "--config", SLUICE];
    await this.#succeed(secret, "the token cannot be set", { input: this.token });
    say(`waiting for ${this.url}`);
    await this.#untilItAnswers();
  }

  readonly deployAgain = async (revision: string): Promise<void> => {
    await this.#writeFiles(revision);
    await this.#deploy(this.name, SLUICE);
  };

  /** Deletes what was deployed. Resolves with the names of the Workers that are left. */
  async close(giveUp: AbortSignal): Promise<string[]> {
    const wrangler = this.#wrangler;
    const onGiveUp = () => wrangler?.kill();
    giveUp.addEventListener("abort", onGiveUp);
    const left: string[] = [];
    // Sluice first, as it has a binding to the servers.
    for (const worker of this.#begun.toReversed())
      if (!(await this.#delete(worker, giveUp))) left.push(worker.name);
    giveUp.removeEventListener("abort", onGiveUp);
    await this.forget();
    return left;
  }

  /** Leaves on Cloudflare what is there. */
  async forget(): Promise<void> {
    if (this.#folder !== "") await rm(this.#folder, { recursive: true, force: true });
  }

  async #delete({ name, file }: Begun, giveUp: AbortSignal): Promise<boolean> {
    // Cloudflare's API is known to fail in it now and then (code 10013; workers-sdk issue 4906).
    for (let attempt = 1; attempt <= DELETE_ATTEMPTS && !giveUp.aborted; attempt++) {
      if (attempt > 1) await sleep(LOOK_EVERY_MS, undefined, { signal: giveUp }).catch(() => {});
      const { code, output } = await this.#run(["delete", "--name", name, "--force", "--config", file]);
      if (code === 0 || isUnknown(output)) return true;
    }
    return false;
  }

  async #requireLogin(): Promise<void> {
    const { code, output } = await this.#run(["whoami"]);
    if (code === 0 && !/not authenticated/i.test(output)) return;
    throw new CliError(
      EXIT.unauthorised,
      `wrangler is not logged in: wrangler login, or set CLOUDFLARE_API_TOKEN\n${endOf(output)}`,
    );
  }

  async #writeFiles(revision: string) {
    const files = wranglerFiles(this.name, this.#options, revision);
    await writeFile(join(this.#folder, SERVERS), JSON.stringify(files.servers, null, 2));
    await writeFile(join(this.#folder, SLUICE), JSON.stringify(files.sluice, null, 2));
    return files;
  }

  async #deploy(name: string, file: string): Promise<void> {
    if (!this.#begun.some((worker) => worker.name === name)) this.#begun.push({ name, file });
    const env = { WRANGLER_OUTPUT_FILE_PATH: join(this.#folder, DEPLOYED) };
    await this.#succeed(["deploy", "--config", file], `${name} cannot be deployed`, { env });
  }

  /** wrangler writes a line of JSON for each deploy into this file. */
  async #deployedUrl(): Promise<string> {
    const lines = (await readFile(join(this.#folder, DEPLOYED), "utf8")).trim().split("\n");
    const deploys = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === "deploy");
    const targets: string[] = deploys.findLast((deploy) => deploy.worker_name === this.name)?.targets ?? [];
    const url = targets.find((target) => /^https?:\/\//.test(target));
    if (url !== undefined) return new URL(url).origin;
    throw new CliError(
      EXIT.unreachable,
      `${this.name} has no address: the account needs a workers.dev subdomain (Workers & Pages in the dashboard).`,
    );
  }

  async #untilItAnswers(): Promise<void> {
    const probe = new Probe(this.url, this.token);
    const giveUpAt = Date.now() + UNTIL_IT_ANSWERS_MS;
    for (;;) {
      try {
        await probe.isolate();
        return;
      } catch (error) {
        if (Date.now() > giveUpAt) throw error;
        await sleep(LOOK_EVERY_MS, undefined, { signal: this.#options.stop });
      }
    }
  }

  async #succeed(args: readonly string[], what: string, options: WranglerOptions) {
    this.#options.stop.throwIfAborted();
    const { code, output } = await this.#run(args, options);
    if (code !== 0)
      throw new CliError(EXIT.unreachable, `${what}; wrangler ended with ${code}:\n${endOf(output)}`);
  }

  async #run(args: readonly string[], options?: WranglerOptions): Promise<WranglerEnd> {
    if (!this.#wrangler) throw new Error("the stage is not open");
    return this.#wrangler.run(args, options);
  }
}

/** Cloudflare's code for a Worker that is not there is 10007 or 10090 (2026-11). */
function isUnknown(output: string): boolean {
  return /\bcode: (?:10007|10090)\b/.test(output);
}

function endOf(output: string): string {
  return output.trim().split("\n").slice(-LINES_SHOWN).map(printable).join("\n");
}
