import { afterEach, describe, expect, test } from "vitest";
import { read, value } from "../../admin/metrics/samples.ts";
import type { Sluice } from "../../support/sluice.ts";
import { Deployed, isSpread, Load, objectNames } from "./support.ts";

let pool: Deployed;
afterEach(() => pool.stop());

/** Scrapes, and keeps the highest value of each counter that it has seen. */
class Monitor {
  readonly fallen: string[] = [];
  readonly #highest = new Map<string, number>();

  async scrape(sluice: Sluice): Promise<string> {
    const text = await (await sluice.admin("GET", "/metrics")).text();
    for (const { name, labels, value: now } of read(text)) {
      if (!/_(total|count|bucket|sum)$/.test(name)) continue;
      const key = `${name} ${JSON.stringify(labels)}`;
      const before = this.#highest.get(key) ?? 0;
      if (now < before) this.fallen.push(`${key}: ${before}, then ${now}`);
      this.#highest.set(key, Math.max(now, before));
    }
    return text;
  }
}

const completed = (text: string) => value(text, "sluice_requests_total", { code: "2xx" });

describe("the counters of a pool of several objects", () => {
  test("never fall while objects crash, are out of reach, or are taken away by a deploy, and lose nothing that was told", async () => {
    pool = await Deployed.start(16, 20, 8);
    const worker = await pool.worker(8);
    await pool.objects.until("web", isSpread(8));
    const monitor = new Monitor();
    const load = new Load([worker.url], 24);
    for (const name of objectNames(8)) {
      await load.more(15);
      await monitor.scrape(pool.objects);
      await pool.objects.crash(name);
      await monitor.scrape(pool.objects);
    }
    // Nobody reaches it any more, nor does anybody wake it.
    await worker.losePool("web#5");
    await pool.objects.losePool("web#5");
    await pool.objects.until("web", ({ shards }) => shards?.some(({ reachable }) => !reachable) ?? false);
    const lost = await monitor.scrape(pool.objects);
    expect(value(lost, "sluice_shard_reachable", { shard: "5" })).toBe(0);
    expect(value(lost, "sluice_shard_reachable")).toBe(7);
    await pool.objects.findPool("web#5");
    await worker.findPool("web#5");
    await load.end();
    await pool.objects.until("web", ({ shards }) => shards?.every(({ reachable }) => reachable) ?? false);
    await pool.objects.until("web", ({ inFlight }) => inFlight === 0);
    const before = await monitor.scrape(pool.objects);

    await pool.deployObjects(3);
    await pool.objects.until("web", isSpread(3));
    const after = await monitor.scrape(pool.objects);
    expect(monitor.fallen).toEqual([]);
    expect(completed(after)).toBe(completed(before));
    expect(value(after, "sluice_service_seconds_count")).toBe(value(before, "sluice_service_seconds_count"));
    expect(value(after, "sluice_shard_reachable")).toBe(3);

    const more = new Load([worker.url], 8);
    await more.more(50);
    await more.end();
    await pool.objects.until("web", ({ inFlight }) => inFlight === 0);
    const last = await monitor.scrape(pool.objects);
    expect(completed(last)).toBe(completed(before) + more.answers.length);
    expect(monitor.fallen).toEqual([]);
    expect(pool.rejected).toBe(0);
  });
});
