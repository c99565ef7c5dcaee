import type { ChildProcess } from "node:child_process";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import http from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { onTestFinished } from "vitest";
import { startWorkerd } from "../../../src/cli/process/workerd.ts";
import { Run } from "../command.ts";
import { Folder } from "../script.ts";
import { Edge } from "./edge.ts";

interface Binding {
  name: string;
  class_name: string;
  script_name?: string;
}

interface Config {
  name: string;
  main: string;
  compatibility_date: string;
  compatibility_flags: string[];
  workers_dev: boolean;
  vars: Record<string, unknown>;
  durable_objects: { bindings: Binding[] };
  migrations: { new_sqlite_classes: string[] }[];
}

interface Worker {
  config: Config;
  code: string;
  secrets: Record<string, string>;
}

interface Asked {
  args: string[];
  cwd: string;
  input: string;
  outputFile?: string;
}

interface Answer {
  code: number;
  output: string;
}

/** All that objects find on the internet: the page by which they know where they are. */
const TRACE = 'export default { fetch: () => new Response("fl=1\\ncolo=TST\\nhttp=2\\n") };';

/** A wrangler that hands all that it is told to the account of the test. */
const WRANGLER = `#!${process.execPath}
const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk)).on("end", async () => {
  const [args, cwd, input] = [process.argv.slice(2), process.cwd(), Buffer.concat(chunks).toString()];
  const body = JSON.stringify({ args, cwd, input, outputFile: process.env.WRANGLER_OUTPUT_FILE_PATH });
  const { code, output } = await (await fetch(process.env.TEST_ACCOUNT, { method: "POST", body })).json();
  console.log(output);
  process.exitCode = code;
});
`;

/** An account of Cloudflare's, as far as wrangler shows it: what is deployed there runs in a local workerd. */
export class Account {
  /** By their names. */
  readonly workers = new Map<string, Worker>();
  /** All that wrangler was told, in its order. */
  readonly asked: Asked[] = [];
  isLoggedIn = true;
  /** Before wrangler is answered; throws what it fails with. */
  before: (asked: Asked) => void | Promise<void> = () => {};
  readonly env: NodeJS.ProcessEnv;
  /** A project without a wrangler of its own. */
  readonly cwd: string;
  readonly #edge: Edge;
  readonly #folder: string;
  #workerd: ChildProcess | null = null;
  #ports = new Map<string, number>();

  private constructor(edge: Edge, folder: string, control: string) {
    this.#edge = edge;
    this.#folder = folder;
    this.cwd = join(folder, "project");
    this.env = {
      PATH: [join(folder, "bin"), process.env.PATH].join(delimiter),
      TEST_ACCOUNT: control,
      TMPDIR: join(folder, "tmp"),
    };
  }

  /** It ends with the test. */
  static async open(): Promise<Account> {
    const { path: folder } = await Folder.make();
    for (const name of ["bin", "project", "tmp", "objects"]) await mkdir(join(folder, name));
    await writeFile(join(folder, "bin", "wrangler"), WRANGLER, { mode: 0o755 });
    const edge = await Edge.start();
    const control = http.createServer();
    await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve));
    const account = new Account(edge, folder, `http://127.0.0.1:${(control.address() as AddressInfo).port}`);
    control.on("request", async (request, response) => {
      const asked = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Asked;
      response.end(JSON.stringify(await account.#answer(asked)));
    });
    onTestFinished(async () => {
      edge.stop();
      control.closeAllConnections();
      control.close();
      await account.#stop();
    });
    return account;
  }

  get url(): string {
    return this.#edge.url;
  }

  /** What the command has left in its temporary folder, and wrangler was not told to forget. */
  get tmp(): string {
    return join(this.#folder, "tmp");
  }

  /** The commands that wrangler was given, each with the name that it was about. */
  get commands(): string[] {
    return this.asked.map(({ args: [command = "", ...rest] }) =>
      rest.includes("put") ? `${command} put` : command,
    );
  }

  async #answer(asked: Asked): Promise<Answer> {
    this.asked.push(asked);
    try {
      await this.before(asked);
      return { code: 0, output: await this.#run(asked) };
    } catch (error) {
      return { code: 1, output: (error as Error).message };
    }
  }

  async #run(asked: Asked): Promise<string> {
    const [command, ...args] = asked.args;
    const value = (name: string) => args[args.indexOf(name) + 1] ?? "";
    if (!this.isLoggedIn) throw new Error("You are not authenticated. Please run `wrangler login`.");
    if (command === "whoami") return "You are logged in.";
    if (command === "deploy") return this.#deploy(asked, join(asked.cwd, value("--config")));
    if (command === "delete") return this.#delete(value("--name"));
    const config = JSON.parse(await readFile(join(asked.cwd, value("--config")), "utf8")) as Config;
    const worker = this.workers.get(config.name);
    if (command !== "secret" || !worker) throw new Error(`what is ${asked.args.join(" ")}?`);
    worker.secrets[args[1] ?? ""] = asked.input;
    await this.#start(worker);
    return "Success";
  }

  async #deploy({ cwd, outputFile }: Asked, file: string): Promise<string> {
    const config = JSON.parse(await readFile(file, "utf8")) as Config;
    const code = await readFile(join(cwd, config.main), "utf8");
    const { secrets = {} } = this.workers.get(config.name) ?? {};
    this.workers.set(config.name, { config, code, secrets });
    if (config.workers_dev && this.#workerd)
      this.#edge.port = this.#ports.get(`${config.vars.REVISION}`) ?? 0;
    const targets = config.workers_dev ? [this.url] : [];
    const line = JSON.stringify({ type: "deploy", version: 1, worker_name: config.name, targets });
    if (outputFile) await appendFile(outputFile, `${line}\n`);
    return `Deployed ${config.name}`;
  }

  async #delete(name: string): Promise<string> {
    const worker = this.workers.get(name);
    if (!worker) throw new Error("This Worker does not exist on your account. [code: 10007]");
    this.workers.delete(name);
    if (worker.config.workers_dev) await this.#stop();
    return `Successfully deleted ${name}`;
  }

  /** Both Workers; Sluice in two versions, whose objects are the first one's. */
  async #start({ config, secrets }: Worker): Promise<void> {
    const workers = [...this.workers.values()];
    for (const worker of workers)
      await writeFile(join(this.#folder, `${worker.config.name}.js`), worker.code);
    const second = { ...config, vars: { ...config.vars, REVISION: "2" } };
    const services = [
      ...workers.map((worker) => serviceOf(worker.config.name, worker.config, worker.secrets, false)),
      serviceOf(`${config.name}-2`, second, secrets, true),
    ];
    const file = join(this.#folder, "config.capnp");
    await writeFile(
      file,
      `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${services.join(",\n    ")},
    (name = "internet", worker = (
      modules = [(name = "trace.js", esModule = ${text(TRACE)})],
      compatibilityDate = ${text(config.compatibility_date)},
    )),
    (name = "disk", disk = (path = ${text(join(this.#folder, "objects"))}, writable = true)),
  ],
  sockets = [
    (name = "1", address = "127.0.0.1:0", http = (), service = ${text(config.name)}),
    (name = "2", address = "127.0.0.1:0", http = (), service = ${text(`${config.name}-2`)}),
  ],
);
`,
    );
    const binary = createRequire(import.meta.url)("workerd").default;
    const workerd = startWorkerd(binary, file, { sockets: 2, onLine: () => {} });
    this.#workerd = workerd.process;
    this.#ports = await workerd.listening;
    this.#edge.port = this.#ports.get("1") ?? 0;
  }

  async #stop(): Promise<void> {
    this.#edge.port = 0;
    const workerd = this.#workerd;
    this.#workerd = null;
    if (!workerd || workerd.exitCode !== null) return;
    const gone = new Promise((resolve) => workerd.once("exit", resolve));
    workerd.kill("SIGKILL");
    await gone;
  }
}

/** `isSecond`: its objects are those of the first version. */
function serviceOf(name: string, config: Config, secrets: Record<string, string>, isSecond: boolean): string {
  const classes = config.migrations.flatMap(({ new_sqlite_classes: names }) => names);
  const bindings = [
    ...Object.entries(config.vars).map(([key, value]) =>
      typeof value === "string"
        ? `(name = ${text(key)}, text = ${text(value)})`
        : `(name = ${text(key)}, json = ${text(JSON.stringify(value))})`,
    ),
    ...Object.entries(secrets).map(([key, value]) => `(name = ${text(key)}, text = ${text(value)})`),
    ...config.durable_objects.bindings.map(({ name, class_name, script_name = config.name }) => {
      const isOwn = script_name === config.name && !isSecond;
      const designator = isOwn
        ? text(class_name)
        : `(className = ${text(class_name)}, serviceName = ${text(script_name)})`;
      return `(name = ${text(name)}, durableObjectNamespace = ${designator})`;
    }),
  ];
  const namespaces = classes.map(
    (one) => `(className = ${text(one)}, uniqueKey = ${text(one)}, enableSql = true)`,
  );
  return `(name = ${text(name)}, worker = (
      modules = [(name = "worker.js", esModule = embed ${text(`${config.name}.js`)})],
      compatibilityDate = ${text(config.compatibility_date)},
      compatibilityFlags = [${config.compatibility_flags.map(text).join(", ")}],
      ${isSecond ? "" : `durableObjectNamespaces = [${namespaces.join(", ")}],\n      durableObjectStorage = (localDisk = "disk"),`}
      bindings = [${bindings.join(", ")}],
    ))`;
}

/** JSON's escapes in a string are Cap'n Proto's too. */
function text(value: string): string {
  return JSON.stringify(value);
}

/** A short rehearsal in the account, to its end. */
export async function rehearse(account: Account, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const run = new Run(["rehearse", "--quick", "--json", ...args], {
    url: "http://127.0.0.1:1",
    env: { ...account.env, ...env },
    cwd: account.cwd,
  });
  await run.code;
  return run;
}
