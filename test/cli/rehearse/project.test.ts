import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import {
  COMMIT_MS,
  COMPUTE_MS,
  OBJECT,
  PASSED_IN_ONE_PLACE,
  ROUND_TRIP_MS,
  SHARES_PASSED,
} from "../../../bench/model/inputs.ts";
import { idleMs as modelIdleMs, PLACEMENTS } from "../../../bench/model/model.ts";
import { ASSUMED, idleMs } from "../../../src/cli/rehearse/assumptions.ts";
import { COMPATIBILITY, variables, wranglerFiles } from "../../../src/cli/rehearse/project.ts";
import { CAME_HEADER, ISOLATE_HEADER, POOL, SERVERS_AT_ONCE } from "../../../src/cli/rehearse/stage.ts";
import { POOL as WORKERS_POOL } from "../../../src/rehearsal/env.ts";
import * as workers from "../../../src/rehearsal/messages.ts";
import { Folder } from "../script.ts";

const ROOT = join(import.meta.dirname, "../../..");

test("what is judged is what the model plans with", () => {
  const { near, continent } = ROUND_TRIP_MS;
  expect(ASSUMED).toEqual({
    roundTrip: { near, continent },
    commit: COMMIT_MS,
    compute: COMPUTE_MS,
    objectRate: OBJECT.planned,
    passedOn: PASSED_IN_ONE_PLACE,
    // Played in test/bench/shards.test.ts.
    besideRoom: 300,
  });
});

test("what is said of a share of hand-overs within one isolate is what the model makes of it", () => {
  const [near] = PLACEMENTS as [(typeof PLACEMENTS)[number]];
  for (const share of SHARES_PASSED) expect(idleMs(share)).toBeCloseTo(modelIdleMs(near, share));
});

test("the rehearsal runs with the compatibility of wrangler.toml", () => {
  const toml = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  expect(toml).toContain(`compatibility_date = "${COMPATIBILITY.date}"`);
  expect(toml).toContain(`compatibility_flags = ${JSON.stringify(COMPATIBILITY.flags)}`);
});

test("command and Worker mean the same pool, the same headers, and as many servers at once", () => {
  expect(POOL).toBe(WORKERS_POOL);
  expect({ ...workers }).toEqual({ CAME_HEADER, ISOLATE_HEADER, SERVERS_AT_ONCE });
});

test.each([
  [1, 10],
  [5, 10],
  [8, 16],
  [64, 128],
])("a pool of %d shards has %d servers: at least two for each", (shards, servers) => {
  const pool = variables(shards, "1").POOLS as Record<string, { servers: unknown[] }>;
  expect(pool[POOL]?.servers).toHaveLength(servers);
  expect(pool[POOL]).toMatchObject({ shards });
});

test("the real wrangler takes the files that are deployed without a complaint", async () => {
  const { path } = await Folder.make();
  const setting = { lie: "overlap", shards: 2 } as const;
  await writeFile(join(path, "worker.js"), "export class SingleFlight {}\nexport default {};\n");
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" };
  for (const [name, config] of Object.entries(wranglerFiles("sluice-rehearsal-1", setting, "1"))) {
    await writeFile(join(path, `${name}.json`), JSON.stringify(config));
    const args = [wrangler, "deploy", "--dry-run", "--config", `${name}.json`];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: path, env });
    expect(stdout + stderr).not.toMatch(/warning|unexpected|error/i);
  }
});
