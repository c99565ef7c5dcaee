import { describe, expect, test } from "vitest";
import { busyStage } from "./busy.ts";
import { Run } from "./command.ts";
import { Folder, WAIT_FOR_GO } from "./script.ts";
import { relayTo, stage } from "./stage.ts";

/** A roll whose command runs for the first server, through a network that can be cut. */
async function rolling(servers: number, script: string, options: string[] = []) {
  const { sluice } = await stage(servers);
  const relay = await relayTo(sluice);
  const folder = await Folder.make();
  const run = new Run(["roll", "web", "--json", ...options, "--", "sh", "-c", script], {
    url: relay.url,
    cwd: folder.path,
  });
  await folder.until("started");
  const states = async () => (await sluice.snapshot("web")).servers.map(({ state }) => state);
  const set = (server: string, state: string) =>
    sluice.admin("PATCH", `/api/pools/web/servers/${server}`, { state });
  return { sluice, relay, folder, run, states, set };
}

describe("a roll that is interrupted", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("by %s passes it to the command, puts the server back and stops", async (signal, code) => {
    const { run, states } = await rolling(2, WAIT_FOR_GO);
    expect(await states()).toEqual(["drain", "ready"]);
    run.kill(signal);
    expect(await run.code).toBe(code);
    expect(await run.saw("command")).toMatchObject({ words: `was killed by ${signal}` });
    expect(await run.saw("stopped")).toMatchObject({ server: "web-0", done: [], notYet: ["web-1"] });
    expect(await states()).toEqual(["ready", "ready"]);
  });

  test("has not done the server, even if its command says so", async () => {
    const { run, states } = await rolling(2, `trap 'exit 0' INT; ${WAIT_FOR_GO}`);
    run.kill("SIGINT");
    expect(await run.code).toBe(130);
    expect(await run.saw("stopped")).toMatchObject({ server: "web-0", done: [] });
    expect(await states()).toEqual(["ready", "ready"]);
  });

  test("once more while the server is being put back waits for the answer, and it is in service again", async () => {
    const { relay, run, states } = await rolling(1, WAIT_FOR_GO);
    relay.delayMs = 300;
    run.kill("SIGINT");
    await run.saw("command");
    run.kill("SIGINT");
    expect(await run.code).toBe(130);
    expect(await run.saw("back")).toMatchObject({ server: "web-0" });
    expect(await states()).toEqual(["ready"]);
  });

  test("leaves the server out with --on-failure hold", async () => {
    const { run, states } = await rolling(2, WAIT_FOR_GO, ["--on-failure", "hold"]);
    run.kill("SIGINT");
    expect(await run.code).toBe(130);
    expect(await states()).toEqual(["drain", "ready"]);
  });

  test("while it waits for the last request puts the server back, whose command is not run", async () => {
    const { sluice, answer, finish } = await busyStage();
    const run = new Run(["roll", "web", "--json", "--", "echo", "ran"], { url: sluice.url });
    await run.saw("draining");
    run.kill("SIGINT");
    expect(await run.code).toBe(130);
    expect(run.stdout).toBe("");
    expect((await sluice.snapshot("web")).servers[0]?.state).toBe("ready");
    finish();
    expect(await answer).toBe(200);
  });
});

describe("an operator who changes a server meanwhile", () => {
  test("is not overruled, and the roll stops", async () => {
    const { folder, run, states, set } = await rolling(2, WAIT_FOR_GO);
    await set("web-0", "maint");
    await folder.put("go");
    expect(await run.code).toBe(76);
    expect(await run.saw("failed")).toMatchObject({
      error: "web-0 is maint now: somebody else changed it, and it is left so",
    });
    expect(await run.saw("stopped")).toMatchObject({ server: "web-0", notYet: ["web-1"] });
    expect(await states()).toEqual(["maint", "ready"]);
  });

  test("is not overruled when the command fails either", async () => {
    const { folder, run, states, set } = await rolling(2, `${WAIT_FOR_GO}; exit 5`);
    await set("web-0", "maint");
    await folder.put("go");
    expect(await run.code).toBe(5);
    expect(await states()).toEqual(["maint", "ready"]);
  });

  test("by putting one into maintenance whose turn has not come has it left alone", async () => {
    const { folder, run, states, set } = await rolling(3, `${WAIT_FOR_GO}; echo $SLUICE_SERVER`);
    await set("web-1", "maint");
    await folder.put("go");
    expect(await run.code).toBe(0);
    expect(run.stdout).toBe("web-0\nweb-2\n");
    expect(await run.saw("skipped")).toMatchObject({ server: "web-1" });
    expect(await run.saw("finished")).toMatchObject({ done: ["web-0", "web-2"] });
    expect(await states()).toEqual(["ready", "maint", "ready"]);
  });
});

test("a roll goes on where the network was gone for a while, and says so", async () => {
  const { relay, folder, run, states } = await rolling(2, WAIT_FOR_GO);
  await relay.cut();
  await folder.put("go");
  await run.saw("unreachable");
  await relay.mend();
  await run.saw("reached");
  expect(await run.code).toBe(0);
  expect(await run.saw("finished")).toMatchObject({ done: ["web-0", "web-1"] });
  expect(await states()).toEqual(["ready", "ready"]);
});
