import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configText, Embedded, objectClass } from "../src/cli/process/capnp.ts";
import { Admin } from "./admin.ts";
import type { SingleFlightServer } from "./single-flight.ts";
import type { Upload } from "./upload.ts";
import { startWorkerd } from "./workerd.ts";

export const POOL = "demo";

const CONFIG = "config.capnp";

/** Sluice on workerd, with one pool. It and its storage are gone when this process ends. */
export class Gate {
  readonly url: string;
  readonly token: string;
  readonly admin: Admin;
  readonly #folder: string;
  #workerd: ChildProcess | null = null;

  private constructor(folder: string, port: number, token: string) {
    this.#folder = folder;
    this.url = `http://localhost:${port}`;
    this.token = token;
    this.admin = new Admin(`http://127.0.0.1:${port}`, POOL, token);
  }

  static async start(upload: Upload, servers: SingleFlightServer[], port: number): Promise<Gate> {
    const token = randomBytes(16).toString("hex");
    const pools = { [POOL]: { servers: servers.map(({ name, url }) => ({ name, url })), deferred: {} } };
    const folder = mkdtempSync(join(tmpdir(), "sluice-demo-"));
    const gate = new Gate(folder, port, token);
    process.once("exit", () => gate.#clear());
    mkdirSync(join(folder, "storage"));
    writeFileSync(join(folder, "index.js"), upload.code);
    writeFileSync(join(folder, CONFIG), capnp(upload, join(folder, "storage"), port, { pools, token }));
    await gate.startAgain();
    return gate;
  }

  /**
   * Ends the runtime as the system does when memory runs out: without a word, and with all that it had not written.
   * Resolves with the process that is gone.
   */
  async kill(): Promise<number> {
    const workerd = this.#workerd;
    if (!workerd?.pid) throw new Error("Nothing runs that could be killed.");
    const gone = new Promise((resolve) => workerd.once("exit", resolve));
    workerd.kill("SIGKILL");
    await gone;
    this.#workerd = null;
    return workerd.pid;
  }

  /** After `kill`: on the same port, with the same storage. */
  async startAgain(): Promise<void> {
    const { process, listening } = startWorkerd(join(this.#folder, CONFIG), 1);
    this.#workerd = process;
    await listening;
  }

  async stop(): Promise<void> {
    await this.kill();
    this.#clear();
  }

  #clear(): void {
    this.#workerd?.kill("SIGKILL");
    // What was just killed may have a file in the making.
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function capnp(
  { compatibilityDate, compatibilityFlags }: Upload,
  storage: string,
  port: number,
  { pools, token }: { pools: object; token: string },
): string {
  const worker = {
    modules: [{ name: "index.js", esModule: new Embedded("index.js") }],
    compatibilityDate,
    compatibilityFlags,
    durableObjectNamespaces: [objectClass("Pool", "sluice-pool"), objectClass("Deferred", "sluice-deferred")],
    durableObjectStorage: { localDisk: "disk" },
    bindings: [
      { name: "POOL", durableObjectNamespace: "Pool" },
      { name: "DEFERRED", durableObjectNamespace: "Deferred" },
      { name: "POOLS", json: JSON.stringify(pools) },
      { name: "ADMIN_TOKEN", text: token },
    ],
  };
  return configText({
    services: [
      { name: "main", worker },
      { name: "disk", disk: { path: storage, writable: true } },
      { name: "internet", network: { allow: ["private", "public"] } },
    ],
    sockets: [{ name: "main", address: `127.0.0.1:${port}`, http: {}, service: "main" }],
  });
}
