import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Capnp, configText, Embedded, objectClass } from "../process/capnp.ts";
import { startWorkerd, type Workerd } from "../process/workerd.ts";
import { workerdBinary } from "../serve/installed.ts";
import { rehearsalBundle } from "./bundle.ts";
import { COMPATIBILITY, OBJECTS, type Setting, serverVariables, variables } from "./project.ts";
import type { Stage } from "./stage.ts";

const CONFIG = "config.capnp";

/** The stage on this machine: plain workerd. It and its storage are gone when this process ends. */
export class LocalStage implements Stage {
  readonly where = "local";
  readonly token = randomBytes(32).toString("hex");
  readonly deployAgain = null;
  url = "";
  readonly #binary = workerdBinary(process.cwd());
  readonly #setting: Setting;
  #folder = "";
  #workerd: Workerd | null = null;

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  async open(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), "sluice-rehearse-"));
    process.once("exit", () => this.#clear());
    await mkdir(join(this.#folder, "objects"));
    await copyFile(rehearsalBundle(), join(this.#folder, "worker.js"));
    await this.#start(0);
  }

  readonly crash = async (): Promise<void> => {
    await this.#kill();
    // On the same port, by which the clients of deferred requests know it.
    await this.#start(Number(new URL(this.url).port));
  };

  async close(): Promise<void> {
    await this.#kill();
    this.#clear();
  }

  async #start(port: number): Promise<void> {
    const config = join(this.#folder, CONFIG);
    await writeFile(config, capnp(port, join(this.#folder, "objects"), this.#setting));
    // The token by the environment: it is in no file.
    this.#workerd = startWorkerd(this.#binary, config, {
      sockets: 1,
      onLine: () => {},
      env: { ...process.env, ADMIN_TOKEN: this.token },
      detached: true,
    });
    const ports = await this.#workerd.listening;
    this.url = `http://127.0.0.1:${ports.get("main")}`;
  }

  async #kill(): Promise<void> {
    const child = this.#workerd?.process;
    this.#workerd = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  #clear(): void {
    this.#workerd?.process.kill("SIGKILL");
    // What was just killed may have a file in the making.
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function capnp(port: number, storage: string, { lie, shards }: Setting): string {
  const { POOLS, ...others } = variables(shards, "1");
  const worker = {
    modules: [{ name: "worker.js", esModule: new Embedded("worker.js") }],
    compatibilityDate: COMPATIBILITY.date,
    compatibilityFlags: COMPATIBILITY.flags,
  };
  const sluice = {
    ...worker,
    durableObjectNamespaces: Object.values(OBJECTS).map((className) => objectClass(className)),
    durableObjectStorage: { localDisk: "disk" },
    bindings: [
      ...Object.entries(OBJECTS).map(([name, className]) => ({ name, durableObjectNamespace: className })),
      { name: "SERVERS", durableObjectNamespace: { className: "SingleFlight", serviceName: "servers" } },
      { name: "POOLS", json: JSON.stringify(POOLS) },
      ...texts(others),
      { name: "ADMIN_TOKEN", fromEnvironment: "ADMIN_TOKEN" },
    ],
  };
  const servers = {
    ...worker,
    durableObjectNamespaces: [objectClass("SingleFlight")],
    durableObjectStorage: { inMemory: null },
    bindings: texts(serverVariables(lie)),
  };
  return configText({
    services: [
      { name: "main", worker: sluice },
      { name: "servers", worker: servers },
      { name: "disk", disk: { path: storage, writable: true } },
    ],
    sockets: [{ name: "main", address: `127.0.0.1:${port}`, http: {}, service: "main" }],
  });
}

function texts(variables: Record<string, unknown>): Capnp[] {
  return Object.entries(variables).map(([name, value]) => ({ name, text: String(value) }));
}
