import { describe, expect, test } from "vitest";
import { Run } from "./command.ts";
import { stage } from "./stage.ts";

async function server(url: string, ...args: string[]) {
  const run = new Run(["server", ...args], { url });
  const code = await run.code;
  return { code, stdout: run.stdout, stderr: run.stderr };
}

describe("sluice server", () => {
  test("shows one server, and changes nothing", async () => {
    const { sluice, servers } = await stage(2);
    const before = await sluice.snapshot("web");
    expect(await server(sluice.url, "web", "web-1")).toEqual({
      code: 0,
      stdout:
        "SERVER  STATE  HEALTH     IN FLIGHT  QUARANTINED  LONGEST  WEIGHT  URL\n" +
        `web-1   ready  unchecked        0/1            0        –       1  ${servers[1]?.url}\n`,
      stderr: "",
    });
    expect(await sluice.snapshot("web")).toEqual(before);
  });

  test("changes state, slots and weight of this server alone, and shows them", async () => {
    const { sluice, servers } = await stage(2);
    const change = ["--state", "drain", "--slots", "3", "--weight", "256"];
    const { code, stdout } = await server(sluice.url, "web", "web-1", ...change);
    expect(code).toBe(0);
    expect(stdout.split("\n")[1]).toBe(
      `web-1   drain  unchecked  0/3 (configured 1)            0        –  256 (configured 1)  ${servers[1]?.url}`,
    );
    const shown = (await sluice.snapshot("web")).servers;
    expect(shown).toMatchObject([
      { state: "ready", slots: 1, weight: 1 },
      { state: "drain", slots: 3, weight: 256 },
    ]);
    await server(sluice.url, "web", "web-1", "--state", "ready");
    expect((await sluice.snapshot("web")).servers[1]).toMatchObject({
      state: "ready",
      slots: 3,
      weight: 256,
    });
  });

  test("--weight 0 keeps new requests from it, and the pool counts a server less", async () => {
    const { sluice } = await stage(2);
    const { code, stdout } = await server(sluice.url, "web", "web-1", "--weight", "0");
    expect([code, stdout.split("\n")[1]]).toEqual([
      0,
      expect.stringMatching(/^web-1 {3}ready .* 0 \(configured 1\)/),
    ]);
    expect((await sluice.snapshot("web")).servers[1]).toMatchObject({ state: "ready", weight: 0 });
    for (let n = 0; n < 4; n++) await (await fetch(sluice.url)).text();
    const counts = (await sluice.admin("GET", "/metrics")).text();
    expect(await counts).toMatch(/sluice_server_weight\{pool="web",server="web-1"\} 0/);
    expect(await counts).not.toMatch(/sluice_service_seconds_count\{pool="web",server="web-1"\} [1-9]/);
  });

  test("--owner says whose state it is, and a roll that finds the server out names that", async () => {
    const { sluice } = await stage(2);
    const out = ["--state", "drain", "--owner", "patch day"];
    expect((await server(sluice.url, "web", "web-1", ...out)).code).toBe(0);
    expect((await sluice.snapshot("web")).servers[1]).toMatchObject({
      state: "drain",
      stateOwner: "patch day",
      changedBy: "admin",
    });
    const roll = new Run(["roll", "web", "--", "true"], { url: sluice.url });
    expect(await roll.code).toBe(76);
    expect(roll.stderr).toBe(
      'sluice: web-1 is out, by "patch day" of "admin"; to put it back: sluice server web web-1 --state ready\n',
    );
  });

  test("--owner without --state ends with 64, and changes nothing", async () => {
    const { code, stderr } = await server("http://127.0.0.1:1", "web", "web-0", "--owner", "me");
    expect({ code, stderr }).toEqual({
      code: 64,
      stderr: "sluice: --owner says whose --state it is: give that too.\n",
    });
  });

  test("--json is the server as an object", async () => {
    const { sluice } = await stage(2);
    const { stdout } = await server(sluice.url, "web", "web-0", "--state", "maint", "--json");
    const shown = JSON.parse(stdout);
    expect(shown).toMatchObject({ name: "web-0", state: "maint" });
    expect(shown).toEqual((await sluice.snapshot("web")).servers[0]);
  });

  test.each([
    ["--state", "off", "Allowed choices are ready, drain, maint."],
    ["--slots", "0", "Allowed is a whole number from 1 to 1000."],
    ["--slots", "1.5", "Allowed is a whole number from 1 to 1000."],
    ["--weight", "257", "Allowed is a whole number from 0 to 256."],
    ["--weight", "heavy", "Allowed is a whole number from 0 to 256."],
  ])("with %s %s ends with 64, names it, and says what is allowed", async (option, value, allowed) => {
    const { code, stderr } = await server("http://127.0.0.1:1", "web", "web-0", option, value);
    expect(code).toBe(64);
    expect(stderr).toContain(option);
    expect(stderr).toContain(`'${value}' is invalid. ${allowed}`);
  });
});
