import { describe, expect, test } from "vitest";
import { Run } from "./command.ts";
import { stage } from "./stage.ts";

describe("sluice resume", () => {
  test("--owner ends the drain that `sluice drain --owner` has begun, which says so, and no other", async () => {
    const { sluice } = await stage();
    const drained = new Run(["drain", "web", "--owner", "new disks"], { url: sluice.url });
    expect(await drained.code).toBe(0);
    expect(drained.stdout).toMatch(/; to end it: sluice resume web --owner 'new disks'\n$/);
    expect((await sluice.snapshot("web")).drain).toMatchObject({ owner: "new disks", by: "admin" });
    const other = new Run(["resume", "web", "--owner", "old disks"], { url: sluice.url });
    expect(await other.code).toBe(76);
    expect(other.stderr).toContain('"new disks", begun by "admin", drains this pool');
    expect(await new Run(["resume", "web", "--owner", "new disks"], { url: sluice.url }).code).toBe(0);
    expect((await sluice.snapshot("web")).drain).toBeNull();
  });

  test("ends the drain of `sluice drain`, and the queue goes on in its order", async () => {
    const pool = await stage();
    expect(await new Run(["drain", "web"], { url: pool.sluice.url }).code).toBe(0);
    const waiting = await pool.sendInOrder(3);
    const run = new Run(["resume", "web"], { url: pool.sluice.url });
    expect(await run.code).toBe(0);
    expect(run.stdout).toMatch(/^web runs: 1 in flight, 2 queued, oldest [\d.]+ s\n$/);
    expect(run.stderr).toBe("");
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(pool.servers[0]?.served).toEqual(["/0", "/1", "/2"]);
  });

  test("of a pool that runs is done at once", async () => {
    const { sluice } = await stage();
    const run = new Run(["resume", "web"], { url: sluice.url });
    expect(await run.code).toBe(0);
    expect(run.stdout).toBe("web runs: 0 in flight, 0 queued\n");
  });

  test("--json is the pool as an object", async () => {
    const { sluice } = await stage();
    const run = new Run(["resume", "web", "--json"], { url: sluice.url });
    expect(await run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toEqual(await sluice.snapshot("web"));
  });

  test("leaves another's drain alone and ends with 76, says whose it is, and how to end it all the same", async () => {
    const { sluice } = await stage();
    await sluice.drain("web", { owner: "Ann\u001b[8m", reason: "new\u0007 disks" });
    const refused = new Run(["resume", "web"], { url: sluice.url });
    expect(await refused.code).toBe(76);
    expect(refused.stdout).toBe("");
    expect(refused.stderr).toMatch(
      /^sluice: pool web: "Ann\?\[8m" \(new\? disks\), begun by "admin", drains this pool since .*, until .*\. To end it all the same: sluice resume web --force\n$/,
    );
    expect((await sluice.snapshot("web")).state).toBe("drained");
    const forced = new Run(["resume", "web", "--force"], { url: sluice.url });
    expect(await forced.code).toBe(0);
    expect((await sluice.snapshot("web")).drain).toBeNull();
  });
});
