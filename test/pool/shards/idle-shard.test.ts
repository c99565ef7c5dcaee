import { afterEach, describe, expect, test } from "vitest";
import { statuses } from "../../support/connections.ts";
import { SingleFlightPool } from "../../support/single-flight-pool.ts";
import { isSpread, paths, serversOf } from "./support.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

/** How long a request takes at a server of the shards that are busy. */
const BUSY_MS = 30_000;
const IDLE = 2;

/** All servers are at work on long requests but those of one shard, which are idle. */
async function withOneShardIdle(keys: Record<string, unknown> = {}): Promise<string[]> {
  pool = await SingleFlightPool.start(8, 10, { shards: 4, ...keys }, { second: true });
  const idle = serversOf(await pool.sluice.until("web", isSpread(4)), IDLE);
  for (const server of pool.servers) if (!idle.includes(server.name)) server.serviceMs = BUSY_MS;
  for (let n = 0; pool.servers.filter(({ busy }) => busy).length < 6; n++) {
    pool.client.get(`/long/${n}`, { "x-key": `long-${n}` }).catch(() => {});
    await pool.sluice.until("web", ({ totals, queued }) => totals.accepted > n && queued === 0);
  }
  return idle;
}

describe("a request at a shard whose servers are all busy", () => {
  test.each([
    ["that chance has picked", {}],
    ["that its key leads to", { balance: "hash:header:x-key" }],
  ])("%s goes on to one whose servers are idle, long before any other is done", async (_, keys) => {
    const idle = await withOneShardIdle(keys);
    const { secondUrl } = pool.sluice;
    const answers: Response[] = [];
    for (const path of paths(16, "/short"))
      answers.push(await fetch(secondUrl + path, { headers: { "x-key": path } }));
    expect(statuses(answers)).toEqual({ 200: 16 });
    for (const { headers } of answers) expect(idle).toContain(headers.get("x-served-by"));
    expect(pool.servers.filter(({ busy }) => busy).length).toBe(6);
    expect(pool.rejected).toBe(0);
    const log = () => pool.sluice.log.filter(({ path }) => String(path).startsWith("/short"));
    await pool.sluice.logged(() => log().length === 16);
    const waits = log()
      .map(({ queueMs }) => Number(queueMs))
      .sort((a, b) => a - b);
    // 300 ms are promised. How long this machine stands still, nobody knows: none waits for a server that is busy.
    expect(waits.at(-1)).toBeLessThan(BUSY_MS / 2);
  });

  test("does so with all that come after it, as fast as those servers can take them", async () => {
    await withOneShardIdle({ balance: "hash:header:x-key" });
    for (const { served } of pool.servers) served.length = 0;
    const begun = Date.now();
    const answers = await Promise.all(
      paths(120, "/short").map((path) => pool.client.get(path, { "x-key": path })),
    );
    expect(statuses(answers)).toEqual({ 200: 120 });
    expect(Date.now() - begun).toBeLessThan(BUSY_MS / 2);
    expect(pool.rejected).toBe(0);
  });
});
