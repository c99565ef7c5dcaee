import type { Lie } from "../../rehearsal/lie.ts";
import { POOL } from "./stage.ts";

/** As in wrangler.toml; a test compares them. */
export const COMPATIBILITY = { date: "2026-11-17", flags: ["fetch_legacy_url"] };

const LEAST_SERVERS = 10;
/** A shard needs one to grant anything, and two to have a choice. */
const SERVERS_A_SHARD = 2;
/** How long a request may wait, or be at work; the longest hold fits. */
const LONGEST = "1h";

/** What a stage may be like. */
export interface Setting {
  lie: Lie | undefined;
  /** Of how many objects the pool is. */
  shards: number;
}

/** The variables of Sluice's Worker. */
export function variables(shards: number, revision: string): Record<string, unknown> {
  const count = Math.max(LEAST_SERVERS, SERVERS_A_SHARD * shards);
  const servers = Array.from({ length: count }, (_, index) => ({
    name: `server-${index + 1}`,
    url: "http://server",
    binding: "SERVERS",
  }));
  const pool = {
    servers,
    max_queue: 10_000,
    queue_timeout: LONGEST,
    server_timeout: "5m",
    quarantine: { max: "2m" },
    deferred: {},
    shards,
  };
  return { POOLS: { [POOL]: pool }, REVISION: revision };
}

/** The variables of the servers' Worker. */
export function serverVariables(lie: Lie | undefined): Record<string, string> {
  return lie === undefined ? {} : { LIE: lie };
}

/** The objects of Sluice's Worker, by their bindings. */
export const OBJECTS = { POOL: "Pool", DEFERRED: "Deferred", GAUGE: "Gauge" };

/**
 * wrangler's configuration of the two Workers. The servers have one of their own, without an address: else a deploy of
 * Sluice would restart them.
 */
export function wranglerFiles(name: string, { lie, shards }: Setting, revision: string) {
  const servers = `${name}-servers`;
  const common = {
    main: "worker.js",
    no_bundle: true,
    compatibility_date: COMPATIBILITY.date,
    compatibility_flags: COMPATIBILITY.flags,
    preview_urls: false,
    send_metrics: false,
  };
  return {
    servers: {
      ...common,
      name: servers,
      workers_dev: false,
      vars: serverVariables(lie),
      durable_objects: { bindings: [{ name: "SERVERS", class_name: "SingleFlight" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["SingleFlight"] }],
    },
    sluice: {
      ...common,
      name,
      workers_dev: true,
      vars: variables(shards, revision),
      durable_objects: {
        bindings: [
          ...Object.entries(OBJECTS).map(([binding, className]) => ({
            name: binding,
            class_name: className,
          })),
          { name: "SERVERS", class_name: "SingleFlight", script_name: servers },
        ],
        code_update_strategy: { mode: "immediate" },
      },
      migrations: [{ tag: "v1", new_sqlite_classes: Object.values(OBJECTS) }],
    },
  };
}
