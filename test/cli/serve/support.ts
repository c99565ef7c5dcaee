import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { SingleFlightServer } from "../../../demo/single-flight.ts";
import type { AuditList } from "../../../src/admin/audit.ts";
import type { Snapshot } from "../../../src/scheduler/snapshot.ts";
import { TOKEN } from "../../support/sluice.ts";
import { until } from "../../support/until.ts";
import { Run } from "../command.ts";
import { Folder } from "../script.ts";
import { PLATFORM_JSON } from "../wrangler-file/support.ts";

const ROOT = join(import.meta.dirname, "../../..");
const PATIENCE_MS = 50_000;

/** A user's folder, with a wrangler.jsonc, the token beside it and workerd among its packages. */
export class Project {
  readonly path: string;
  #address = "127.0.0.1:0";

  private constructor(path: string) {
    this.path = path;
  }

  /** `more`: keys of the file beside those that Sluice needs. */
  static async make(pools: unknown, more: Record<string, unknown> = {}): Promise<Project> {
    const { path } = await Folder.make();
    const file = { ...PLATFORM_JSON, vars: { POOLS: pools }, ...more };
    await writeFile(join(path, "wrangler.jsonc"), JSON.stringify(file));
    await writeFile(join(path, ".dev.vars"), `ADMIN_TOKEN="${TOKEN}"\n`);
    await symlink(join(ROOT, "node_modules"), join(path, "node_modules"));
    return new Project(path);
  }

  run(...args: string[]): Run {
    return new Run(["serve", ...args], { url: "", cwd: this.path });
  }

  /** Resolves once it listens: at first on any port, then on the same again. */
  async serve(...args: string[]): Promise<Served> {
    const listens = args.includes("--listen") ? [] : ["--listen", this.#address];
    const run = this.run(...listens, ...args);
    await run.printed("sluice: serves ");
    const [url = "", address = ""] = /https?:\/\/(127\.0\.0\.1:\d+)/.exec(run.stderr) ?? [];
    this.#address = address;
    return new Served(run, url);
  }
}

/** A Sluice that `sluice serve` runs. */
export class Served {
  readonly run: Run;
  readonly url: string;

  constructor(run: Run, url: string) {
    this.run = run;
    this.url = url;
  }

  /** The log lines of requests that are over. */
  get log(): Record<string, unknown>[] {
    const lines = this.run.stdout.split("\n").filter((line) => line.startsWith('{"requestId"'));
    return lines.map((line) => JSON.parse(line));
  }

  admin(path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.url}/_sluice/api/pools/web${path}`, {
      headers: { Authorization: `Bearer ${TOKEN}` },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
  }

  async snapshot(): Promise<Snapshot> {
    return (await (await this.admin("")).json()) as Snapshot;
  }

  async audit(): Promise<AuditList> {
    const headers = { Authorization: `Bearer ${TOKEN}` };
    return (await fetch(`${this.url}/_sluice/api/audit`, { headers })).json() as Promise<AuditList>;
  }

  /** Resolves with the first snapshot that fits. */
  until(fits: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
    return until(() => this.snapshot(), fits, PATIENCE_MS);
  }

  /** Resolves with the exit code. */
  async stop(): Promise<number | NodeJS.Signals | null> {
    this.run.kill("SIGTERM");
    return this.run.code;
  }
}

/** Real servers that can do one thing at a time, and what a pool of them is called in the file. */
export class Fleet {
  readonly servers: SingleFlightServer[];

  private constructor(servers: SingleFlightServer[]) {
    this.servers = servers;
  }

  static async start(count: number, serviceMs: number): Promise<Fleet> {
    const servers = Array.from(
      { length: count },
      (_, n) => new SingleFlightServer({ name: `web-${n}`, serviceMs }),
    );
    await Promise.all(servers.map((server) => server.start()));
    onTestFinished(async () => {
      await Promise.all(servers.map((server) => server.stop()));
    });
    return new Fleet(servers);
  }

  get list(): { name: string; url: string }[] {
    return this.servers.map(({ name, url }) => ({ name, url }));
  }

  get rejected(): number {
    return this.servers.reduce((sum, { rejected }) => sum + rejected, 0);
  }

  get served(): string[] {
    return this.servers.flatMap(({ served }) => served);
  }
}
