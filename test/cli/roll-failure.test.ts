import { describe, expect, test } from "vitest";
import { busyStage } from "./busy.ts";
import { Run } from "./command.ts";
import { Folder, WAIT_FOR_GO } from "./script.ts";
import { ASK, controlOf, stage } from "./stage.ts";

const CHECKED = { check: { path: "/idle", interval: "100ms", timeout: "1s", rise: 1, fall: 1 } };
/** Fails for the second server only. */
const FAILS_AT_WEB_1 = 'echo $SLUICE_SERVER; [ "$SLUICE_SERVER" != web-1 ] || exit 5';

async function statesOf(sluice: Awaited<ReturnType<typeof stage>>["sluice"]): Promise<string[]> {
  return (await sluice.snapshot("web")).servers.map(({ state }) => state);
}

describe("a roll whose command fails for a server", () => {
  test("stops there with the command's code, says who is done and who is not begun, and puts the server back", async () => {
    const { sluice } = await stage(4);
    const run = new Run(["roll", "web", "--", "sh", "-c", FAILS_AT_WEB_1], { url: sluice.url });
    expect(await run.code).toBe(5);
    expect(run.stdout).toBe("web-0\nweb-1\n");
    expect(run.stderr.split("\n").slice(-4)).toEqual([
      "sluice: web sh ended with 5",
      "sluice: web web-1 (2 of 4) takes requests again",
      "sluice: web stopped at web-1; done: web-0; not begun: web-2, web-3",
      "",
    ]);
    expect(await statesOf(sluice)).toEqual(["ready", "ready", "ready", "ready"]);
  });

  test("leaves the server out with --on-failure hold, and says how to put it back", async () => {
    const { sluice } = await stage(3);
    const hold = ["--on-failure", "hold"];
    const run = new Run(["roll", "web", "--json", ...hold, "--", "sh", "-c", FAILS_AT_WEB_1], {
      url: sluice.url,
    });
    expect(await run.code).toBe(5);
    expect(await run.saw("stopped")).toMatchObject({ server: "web-1", done: ["web-0"], notYet: ["web-2"] });
    expect(await statesOf(sluice)).toEqual(["ready", "drain", "ready"]);
    const again = new Run(["roll", "web", "--", "true"], { url: sluice.url });
    expect(await again.code).toBe(76);
    const [, how = ""] = /to put it back: sluice (.*)\n/.exec(again.stderr) ?? [];
    expect(await new Run(how.split(" "), { url: sluice.url }).code).toBe(0);
    expect(await statesOf(sluice)).toEqual(["ready", "ready", "ready"]);
  });
});

describe("a server that does not come up in time", () => {
  test.each([
    ["is put back by default", [], "ready"],
    ["stays out with --on-failure hold", ["--on-failure", "hold"], "drain"],
  ])("ends the roll, and %s", async (_, options, state) => {
    const pool = await stage(2, 20, CHECKED);
    const control = await controlOf(pool.servers);
    const command = ["--", "sh", "-c", `${ASK} ask /stop/$SLUICE_SERVER`];
    const run = new Run(["roll", "web", "--json", "--up-timeout", "3s", ...options, ...command], {
      url: pool.sluice.url,
      env: { CONTROL: control.url },
    });
    expect(await run.code).toBe(75);
    expect(await run.saw("not-up")).toMatchObject({ server: "web-0", got: "connection refused" });
    expect(await run.saw("stopped")).toMatchObject({ server: "web-0", done: [], notYet: ["web-1"] });
    expect(control.asked).toEqual(["/stop/web-0"]);
    expect(await statesOf(pool.sluice)).toEqual([state, "ready"]);
  });
});

test("a roll that waits for a server to be up says what its last check got", async () => {
  const pool = await stage(1, 20, CHECKED);
  const control = await controlOf(pool.servers);
  const run = new Run(["roll", "web", "--", "sh", "-c", `${ASK} ask /stop/$SLUICE_SERVER`], {
    url: pool.sluice.url,
    env: { CONTROL: control.url },
  });
  await run.printed("web waiting for web-0 (1 of 1) to be up: connection refused\n");
  await pool.servers[0]?.start();
  expect(await run.code, run.stderr).toBe(0);
});

test("a server whose request does not end in time is put back, and the command is not run for it", async () => {
  const { sluice, answer, finish } = await busyStage();
  const options = ["--drain-timeout", "400ms", "--on-failure", "hold"];
  const run = new Run(["roll", "web", ...options, "--", "echo", "ran"], { url: sluice.url });
  expect(await run.code).toBe(75);
  expect(run.stdout).toBe("");
  expect(run.stderr).toMatch(/web-0 \(1 of 1\) has a request in flight after 0\.4 s\n/);
  expect(await statesOf(sluice)).toEqual(["ready"]);
  finish();
  expect(await answer).toBe(200);
});

describe("a roll of a pool that somebody else is at", () => {
  test("is refused while the pool is drained, and says by whom, in what no terminal obeys", async () => {
    const { sluice } = await stage(2);
    await sluice.drain("web", { owner: "Ann\u001b[2J" });
    const run = new Run(["roll", "web", "--", "echo", "ran"], { url: sluice.url });
    expect(await run.code).toBe(76);
    expect(run.stderr).toMatch(
      /^sluice: web is drained by "Ann\?\[2J" of "admin" since (\S+ )?\d\d:\d\d:\d\d\n$/,
    );
    expect(run.stdout).toBe("");
  });

  test("is refused while a server is out", async () => {
    const { sluice } = await stage(2);
    await sluice.admin("PATCH", "/api/pools/web/servers/web-1", { state: "drain" });
    const run = new Run(["roll", "web", "--", "echo", "ran"], { url: sluice.url });
    expect(await run.code).toBe(76);
    expect(run.stderr).toContain('web-1 is out, by "admin"; to put it back: ');
    expect(run.stdout).toBe("");
    expect(await statesOf(sluice)).toEqual(["ready", "drain"]);
  });

  test("stops before the next server when the pool is drained meanwhile", async () => {
    const { sluice } = await stage(2);
    const folder = await Folder.make();
    const run = new Run(["roll", "web", "--json", "--", "sh", "-c", WAIT_FOR_GO], {
      url: sluice.url,
      cwd: folder.path,
    });
    await folder.until("started");
    await sluice.drain("web", { owner: "Ann" });
    await folder.put("go");
    expect(await run.code).toBe(76);
    expect(await run.saw("stopped")).toMatchObject({ server: "web-1", done: ["web-0"], notYet: [] });
    expect(await sluice.snapshot("web")).toMatchObject({ state: "drained", drain: { owner: "Ann" } });
    expect(await statesOf(sluice)).toEqual(["ready", "ready"]);
  });
});
