import type { ChildProcess } from "node:child_process";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { end, launchOnAll, launchProxy, newFolder, removeFolder } from "../processes.ts";

export interface WorkerOptions {
  /** Path of the bundle. */
  bundle: string;
  /** Class of its Durable Object. */
  className?: string;
  /** The Worker whose objects it uses instead of its own; both have the class. */
  objectsOf?: string;
  text?: Record<string, string>;
  json?: Record<string, unknown>;
  /** Binding to another Worker of the same process. */
  services?: Record<string, string>;
  /** Whether it may reach the objects of other processes, by their debug ports. */
  reachesDebugPorts?: boolean;
  /** The one address that `fetch` goes to, whatever its URL says; without it, to where the URL says. */
  outbound?: string;
}

/** One Worker as several isolates: the first, `main`, has the object, and the others use it. */
export function withIsolates(main: WorkerOptions, count: number): Record<string, WorkerOptions> {
  const others = Array.from({ length: count - 1 }, (_, n) => [
    `isolate${n + 2}`,
    { ...main, objectsOf: "main" },
  ]);
  return { main, ...Object.fromEntries(others) };
}

/** Workers on plain workerd, as its own documentation starts it, with their storage on disk. */
export class Workerd {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #ports: Map<string, number>;

  private constructor(process: ChildProcess, folder: string, ports: Map<string, number>) {
    this.#process = process;
    this.#folder = folder;
    this.#ports = ports;
  }

  /** `cores`: where the proxy is to run, if cores are shared out; or on all. */
  static async start(
    workers: Record<string, WorkerOptions>,
    flags: string[] = [],
    cores: "proxy" | "all" = "proxy",
  ): Promise<Workerd> {
    const folder = newFolder();
    mkdirSync(join(folder, "storage"));
    writeFileSync(join(folder, "config.capnp"), capnp(workers, folder));
    const errors = join(folder, "stderr");
    const launchThere = cores === "all" ? launchOnAll : launchProxy;
    const child = launchThere(
      workerdPath(),
      ["serve", join(folder, "config.capnp"), "--control-fd=3", ...flags],
      // Logs are written and thrown away: whoever read them would take part in the measurement.
      { stdio: ["ignore", "ignore", openSync(errors, "w"), "pipe"] },
    );
    const sockets = [
      ...Object.keys(workers),
      ...(flags.some((flag) => flag.startsWith("--inspector-addr")) ? ["inspector"] : []),
    ];
    return new Workerd(child, folder, await listening(child, sockets, errors));
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  url(worker: string): string {
    return `http://127.0.0.1:${this.#ports.get(worker)}`;
  }

  async stop(): Promise<void> {
    await end(this.#process, "SIGKILL");
    removeFolder(this.#folder);
  }
}

export function workerdPath(): string {
  return createRequire(import.meta.url)("workerd").default;
}

function listening(child: ChildProcess, names: string[], errors: string): Promise<Map<string, number>> {
  const ports = new Map<string, number>();
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      reject(new Error(`workerd ended with ${code}:\n${readFileSync(errors, "utf8")}`));
    });
    createInterface({ input: child.stdio[3] as NodeJS.ReadableStream }).on("line", (line) => {
      const event = JSON.parse(line) as { event: string; socket?: string; port: number };
      if (event.event === "listen") ports.set(event.socket as string, event.port);
      if (event.event === "listen-inspector") ports.set("inspector", event.port);
      if (ports.size === names.length) resolve(ports);
    });
  });
}

function capnp(workers: Record<string, WorkerOptions>, folder: string): string {
  const all = Object.entries(workers);
  const services = all.flatMap(([name, { outbound }]) => [
    `(name = "${name}", worker = .${name})`,
    ...(outbound ? [`(name = "${name}-outbound", external = (address = "${outbound}", http = ()))`] : []),
  ]);
  const sockets = all.map(
    ([name]) => `(name = "${name}", address = "127.0.0.1:0", http = (), service = "${name}")`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${services.join(",\n    ")},
    (name = "disk", disk = (path = ${JSON.stringify(join(folder, "storage"))}, writable = true)),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [${sockets.join(", ")}],
);
${all.map(([name, options]) => worker(name, options, folder)).join("")}`;
}

function worker(name: string, options: WorkerOptions, folder: string): string {
  const {
    bundle,
    className,
    objectsOf,
    text = {},
    json = {},
    services = {},
    outbound,
    reachesDebugPorts,
  } = options;
  // workerd embeds only what lies beside its configuration.
  writeFileSync(join(folder, `${name}.js`), readFileSync(bundle));
  const binding = (key: string, value: string) => `(name = "${key}", ${value})`;
  // JSON's escapes in a string are Cap'n Proto's too.
  const quoted = (value: string) => JSON.stringify(value);
  const bindings = [
    ...(className ? [binding(className.toUpperCase(), namespaceOf(className, objectsOf))] : []),
    ...(reachesDebugPorts ? [binding("DEBUG_PORT", "workerdDebugPort = void")] : []),
    ...Object.entries(text).map(([key, value]) => binding(key, `text = ${quoted(value)}`)),
    ...Object.entries(json).map(([key, value]) => binding(key, `json = ${quoted(JSON.stringify(value))}`)),
    ...Object.entries(services).map(([key, value]) => binding(key, `service = "${value}"`)),
  ];
  const objects =
    className && !objectsOf
      ? `durableObjectNamespaces = [(className = "${className}", uniqueKey = "${name}", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),`
      : "";
  return `const ${name} :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed "${name}.js")],
  compatibilityDate = "2026-11-17",
  compatibilityFlags = ["fetch_legacy_url"],
  ${objects}
  bindings = [${bindings.join(", ")}],
  ${outbound ? `globalOutbound = "${name}-outbound",` : ""}
);
`;
}

function namespaceOf(className: string, service?: string): string {
  return service
    ? `durableObjectNamespace = (className = "${className}", serviceName = "${service}")`
    : `durableObjectNamespace = "${className}"`;
}
