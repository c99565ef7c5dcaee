import { randomBytes } from "node:crypto";
import { Miniflare, NoOpLog } from "miniflare";
import { Admin } from "./admin.ts";
import type { SingleFlightServer } from "./single-flight.ts";
import type { Upload } from "./upload.ts";

export const POOL = "demo";

/** Sluice on workerd, with one pool. What it keeps is gone when it ends. */
export class Gate {
  readonly url: string;
  readonly token: string;
  readonly admin: Admin;
  readonly #miniflare: Miniflare;

  private constructor(miniflare: Miniflare, port: number, token: string) {
    this.#miniflare = miniflare;
    this.url = `http://localhost:${port}`;
    this.token = token;
    this.admin = new Admin(`http://127.0.0.1:${port}`, POOL, token);
  }

  static async start(upload: Upload, servers: SingleFlightServer[], port: number): Promise<Gate> {
    const token = randomBytes(16).toString("hex");
    const pools = { [POOL]: { servers: servers.map(({ name, url }) => ({ name, url })) } };
    const miniflare = new Miniflare({
      host: "127.0.0.1",
      port,
      // Else it asks Cloudflare where this machine is.
      cf: false,
      enableDevRegistry: false,
      log: new NoOpLog(),
      // A line for each request would bury the demo's own.
      handleStructuredLogs: () => {},
      workers: [
        {
          config: {
            name: "sluice",
            compatibilityDate: upload.compatibilityDate,
            compatibilityFlags: upload.compatibilityFlags,
            manifest: {
              mainModule: "index.js",
              modules: { "index.js": { type: "esm", contents: upload.code } },
            },
            exports: { Pool: { type: "durable-object", storage: "sqlite" } },
            env: {
              POOL: { type: "durable-object", worker: "sluice", exportName: "Pool" },
              POOLS: { type: "json", value: pools },
              ADMIN_TOKEN: { type: "text", value: token },
            },
          },
        },
      ],
    });
    await miniflare.ready;
    return new Gate(miniflare, port, token);
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose();
  }
}
