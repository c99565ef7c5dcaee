import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWorkerd } from "../../demo/workerd.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { type Bundle, bundlePath } from "./bundle.ts";
import { withSharedServers } from "./shared.ts";
import { until } from "./until.ts";

export const TOKEN = "test-token-7f3a-c2d9";

export interface SluiceOptions {
  /** As in wrangler.toml. */
  pools: unknown;
  /** Further variables of pools, such as POOLS_2. */
  morePools?: Record<string, unknown>;
  /** One of the test run's, or the path of another. */
  bundle?: Bundle | { path: string };
  /** `null`: no secret is set. */
  token?: string | null;
  adminHost?: string;
  /** With which webhooks are signed. */
  webhookSecret?: string;
  /** Secrets and variables besides. */
  texts?: Record<string, string>;
  /**
   * Where `https://<team>.cloudflareaccess.com` is, on loopback. The header `x-test-access` then plays the platform's own
   * word: JSON of `app_aud` and `jwt_claims`.
   */
  team?: string;
  /** A second Worker of the same code, in an isolate of its own, in front of the same objects: `secondUrl`. */
  second?: boolean;
  /** Storage to go on with, from `stopKeepingStorage`. */
  folder?: string;
  /** It lets others reach its objects, at `objectsAt`; only with the test bundle. */
  opensObjects?: boolean;
  /**
   * Where those of another one are. This one has none, and is one more copy of the Worker in front of them, as Cloudflare
   * runs many: an isolate and a process of its own, which can be killed alone.
   */
  objectsAt?: string;
}

/** Sluice on plain workerd, with its storage in files: what a user gets, byte for byte. */
export class Sluice {
  readonly url: string;
  /** What servers behind bindings say of themselves (bound-servers.js), where the configuration names some. */
  readonly boundUrl: string;
  /** The same behind a client that leaves after `x-leave-after` ms, or with `told` at `tellLeavers`. */
  readonly leaverUrl: string;
  /** The second Worker, if there is one. */
  readonly secondUrl: string;
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #lines: string[];

  private constructor(process: ChildProcess, folder: string, ports: Map<string, number>, lines: string[]) {
    this.#process = process;
    this.#folder = folder;
    this.#lines = lines;
    this.url = `http://127.0.0.1:${ports.get("main")}`;
    this.leaverUrl = `http://127.0.0.1:${ports.get("leaver")}`;
    this.boundUrl = `http://127.0.0.1:${ports.get("bound")}`;
    this.secondUrl = `http://127.0.0.1:${ports.get("second")}`;
  }

  static async start(options: SluiceOptions): Promise<Sluice> {
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "sluice-test-")));
    const config = join(folder, "config.capnp");
    await writeFile(config, await capnp(options, folder));
    const lines: string[] = [];
    const sockets = 2 + Number(asksServersBehindBindings(options)) + Number(options.second ?? false);
    const flags = options.opensObjects ? await doorTo(folder) : [];
    const workerd = startWorkerd(config, sockets, (line) => lines.push(line), flags);
    return new Sluice(workerd.process, folder, await workerd.listening, lines);
  }

  async stop(): Promise<void> {
    await rm(await this.stopKeepingStorage(), { recursive: true, force: true });
  }

  /** Kills it: what it has not written yet is lost. */
  async stopKeepingStorage(): Promise<string> {
    const exited = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await exited;
    return this.#folder;
  }

  /** Where its objects can be reached, if it was started with `opensObjects`; after a restart at the same place. */
  get objectsAt(): string {
    return `unix:${doorOf(this.#folder)}`;
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** Everything workerd has printed. */
  get output(): readonly string[] {
    return this.#lines;
  }

  /** The log lines of requests that are finished, in the contract's shape. */
  get log(): Record<string, unknown>[] {
    return this.#lines.filter((line) => line.startsWith('{"requestId"')).map((line) => JSON.parse(line));
  }

  /** What is logged of operators, without the times. */
  get audits(): Record<string, unknown>[] {
    return this.#lines
      .filter((line) => line.startsWith('{"audit"'))
      .map((line) => {
        const { at, ...audit } = JSON.parse(line).audit;
        return audit;
      });
  }

  /** Resolves with the first log line that fits. */
  async logged(
    fits: (line: Record<string, unknown>) => boolean,
    patienceMs?: number,
  ): Promise<Record<string, unknown>> {
    const log = await until(
      () => this.log,
      (lines) => lines.some(fits),
      patienceMs,
    );
    return log.find(fits) as Record<string, unknown>;
  }

  async admin(method: string, path: string, body?: unknown, token: string | null = TOKEN): Promise<Response> {
    return fetch(`${this.url}/_sluice${path}`, {
      method,
      headers: token === null ? {} : { Authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  }

  async snapshot(pool: string): Promise<Snapshot> {
    const response = await this.admin("GET", `/api/pools/${pool}`);
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as Snapshot;
  }

  /** Resolves with the first snapshot that fits. */
  until(pool: string, fits: (snapshot: Snapshot) => boolean, patienceMs?: number): Promise<Snapshot> {
    return until(() => this.snapshot(pool), fits, patienceMs);
  }

  async drain(pool: string, body: unknown = {}): Promise<Response> {
    return this.admin("POST", `/api/pools/${pool}/drain`, body);
  }

  /** Has the pool refuse requests; `stop` ends the runtime. */
  async stopPool(pool: string, body: unknown = {}): Promise<Response> {
    return this.admin("POST", `/api/pools/${pool}/stop`, body);
  }

  async resume(pool: string, body: unknown = {}): Promise<Response> {
    return this.admin("POST", `/api/pools/${pool}/resume`, body);
  }

  /** All clients leave now whose `x-leave-after` is `told`. */
  async tellLeavers(): Promise<void> {
    await fetch(`${this.leaverUrl}/__test/leave`);
  }

  /** Ends the pool's object, or one of its shards (`web#1`), as a crash or new code would; only with the test bundle. */
  async crash(pool: string): Promise<void> {
    const response = await fetch(`${this.url}/__test/crash/${encodeURIComponent(pool)}`, { method: "POST" });
    if (response.status !== 204) throw new Error(`crash: ${response.status}`);
  }

  /**
   * The same when it is next told that a slot has changed hands, before it has noted that or after it. Resolves once that is
   * planned, with what resolves once it has happened: with false if no slot has changed hands within moments. Only where the
   * objects are, and with the test bundle.
   */
  async planCrashAtHandOver(pool: string, when: "before" | "after"): Promise<() => Promise<boolean>> {
    const url = `${this.url}/__test/crash-at-hand-over/${encodeURIComponent(pool)}/${when}`;
    await fetch(url, { method: "PUT" });
    return async () => (await fetch(url)).status === 204;
  }

  /** How many objects of deferred requests were woken since the start. */
  async awoken(): Promise<number> {
    return (await fetch(`${this.url}/__test/awoken`)).json() as Promise<number>;
  }

  /** Ends a deferred request's object likewise. */
  async crashDeferred(id: string): Promise<void> {
    const response = await fetch(`${this.url}/__test/crash-deferred/${id}`, { method: "POST" });
    if (response.status !== 204) throw new Error(`crash: ${response.status}`);
  }

  /** From now on the pools' answers to deferred requests' objects take so long; only with the test bundle. */
  async answerLate(ms: number): Promise<void> {
    await fetch(`${this.url}/__test/late/${ms}`, { method: "PUT" });
  }

  /**
   * The next request that is stored is accepted only once somebody has looked for it in vain; only with the test bundle.
   */
  async holdAcceptance(): Promise<void> {
    await fetch(`${this.url}/__test/hold-acceptance`, { method: "PUT" });
  }

  /** From now on nobody reaches the pool's object; only with the test bundle. */
  async losePool(pool: string): Promise<void> {
    await this.stopReaching(pool);
    // Sessions that are open already go on without this.
    await this.crash(pool);
  }

  /** The same for those who call it from this process; whoever has reached it already goes on. */
  async stopReaching(pool: string): Promise<void> {
    await fetch(`${this.url}/__test/unreachable/${encodeURIComponent(pool)}`, { method: "PUT" });
  }

  async findPool(pool: string): Promise<void> {
    await fetch(`${this.url}/__test/unreachable/${encodeURIComponent(pool)}`, { method: "DELETE" });
  }
}

const doorOf = (folder: string) => join(folder, "objects");

/** A door that a killed one has left behind would be in the way. */
async function doorTo(folder: string): Promise<string[]> {
  await rm(doorOf(folder), { force: true });
  return [`--debug-port=unix:${doorOf(folder)}`];
}

/** Whether the configuration names one of them. What no test uses is not started, as each start takes CPU time. */
function asksServersBehindBindings({ pools, morePools }: SluiceOptions): boolean {
  return /SERVICE|BOXES/.test(JSON.stringify([pools, morePools]));
}

const BEHIND_ACCESS = `
  globalOutbound = "access",
  accessBlobHeader = "x-test-access",
  accessBindingService = (name = "access", entrypoint = "Identity"),`;

const BOUND_SERVERS = [
  '(name = "SERVICE", service = (name = "bound", entrypoint = "Service"))',
  '(name = "BOXES", durableObjectNamespace = (className = "Box", serviceName = "bound"))',
];

async function capnp(options: SluiceOptions, folder: string): Promise<string> {
  const {
    pools,
    morePools = {},
    bundle = "test",
    token = TOKEN,
    adminHost,
    webhookSecret,
    texts = {},
    team,
    objectsAt,
    second = false,
  } = options;
  const leaver = await readFile(join(import.meta.dirname, "leaver.js"), "utf8");
  const worker = await readFile(typeof bundle === "string" ? bundlePath(bundle) : bundle.path, "utf8");
  await writeFile(join(folder, "sluice.js"), worker);
  await writeFile(join(folder, "leaver.js"), leaver);
  const hasBound = asksServersBehindBindings(options);
  for (const file of ["bound-servers.js", "access.js"])
    await writeFile(join(folder, file), await readFile(join(import.meta.dirname, file), "utf8"));
  const objects = (where: string) => [
    `(name = "POOL", durableObjectNamespace = (className = "Pool"${where}))`,
    `(name = "DEFERRED", durableObjectNamespace = (className = "Deferred"${where}))`,
  ];
  const bindings = [
    // JSON's escapes in a string are Cap'n Proto's too.
    ...Object.entries({ POOLS: withSharedServers(pools), ...morePools }).map(
      ([name, json]) => `(name = "${name}", json = ${JSON.stringify(JSON.stringify(json))})`,
    ),
    ...(token === null ? [] : [`(name = "ADMIN_TOKEN", text = ${JSON.stringify(token)})`]),
    ...(adminHost === undefined ? [] : [`(name = "ADMIN_HOST", text = ${JSON.stringify(adminHost)})`]),
    ...(webhookSecret === undefined
      ? []
      : [`(name = "WEBHOOK_SECRET", text = ${JSON.stringify(webhookSecret)})`]),
    ...Object.entries(texts).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`),
    ...(hasBound ? BOUND_SERVERS : []),
    ...(objectsAt === undefined
      ? []
      : [
          '(name = "DEBUG_PORT", workerdDebugPort = void)',
          `(name = "OBJECTS_AT", text = ${JSON.stringify(objectsAt)})`,
        ]),
    // Wherever the URL says, as with a client certificate.
    '(name = "CERTIFICATE", service = "internet")',
  ];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .sluice),
    (name = "leaver", worker = .leaver),
    ${hasBound ? '(name = "bound", worker = .bound),' : ""}
    ${second ? '(name = "second", worker = .second),' : ""}
    ${team === undefined ? "" : '(name = "access", worker = .access),'}
    (name = "disk", disk = (path = ${JSON.stringify(folder)}, writable = true)),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [
    (name = "main", address = "127.0.0.1:0", http = (), service = "main"),
    (name = "leaver", address = "127.0.0.1:0", http = (), service = "leaver"),
    ${hasBound ? '(name = "bound", address = "127.0.0.1:0", http = (), service = "bound"),' : ""}
    ${second ? '(name = "second", address = "127.0.0.1:0", http = (), service = "second"),' : ""}
  ],
);
const sluice :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed "sluice.js")],
  compatibilityDate = "2026-11-17",
  compatibilityFlags = ["fetch_legacy_url"],
  durableObjectNamespaces = [
    (className = "Pool", uniqueKey = "sluice-pool", enableSql = true),
    (className = "Deferred", uniqueKey = "sluice-deferred", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [${[...objects(""), ...bindings].join(", ")}],${team === undefined ? "" : BEHIND_ACCESS}
);
const second :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed "sluice.js")],
  compatibilityDate = "2026-11-17",
  compatibilityFlags = ["fetch_legacy_url"],
  bindings = [${[...objects(', serviceName = "main"'), ...bindings].join(", ")}],
);
const access :Workerd.Worker = (
  modules = [(name = "access.js", esModule = embed "access.js")],
  compatibilityDate = "2026-11-17",
  bindings = [(name = "INTERNET", service = "internet"), (name = "TEAM", text = ${JSON.stringify(team ?? "")})],
);
const bound :Workerd.Worker = (
  modules = [(name = "bound-servers.js", esModule = embed "bound-servers.js")],
  compatibilityDate = "2026-11-17",
  durableObjectNamespaces = [(className = "Box", uniqueKey = "box")],
  durableObjectStorage = (inMemory = void),
);
const leaver :Workerd.Worker = (
  modules = [(name = "leaver.js", esModule = embed "leaver.js")],
  compatibilityDate = "2026-11-17",
  bindings = [(name = "SLUICE", service = "main")],
);
`;
}
