import { describe, expect, onTestFinished, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { end } from "./end.ts";
import { stage } from "./stage.ts";

/** The pools web and api, with the servers web-1 and web-2, and api. */
async function twoPools(): Promise<Sluice> {
  const server = (name: string) => ({ name, url: `http://${name}.test` });
  const web = { hosts: ["web.test"], servers: [server("web-1"), server("web-2")] };
  const sluice = await Sluice.start({ pools: { web, api: { servers: [server("api")] } } });
  onTestFinished(() => sluice.stop());
  return sluice;
}

describe("a pool that does not exist ends it with 64, and says which there are:", () => {
  test.each([
    ["status", "wep"],
    ["top", "wep"],
    ["drain", "wep"],
    ["resume", "wep"],
    ["deploy", "wep", "--", "echo", "ran"],
    ["roll", "wep", "--", "echo", "ran"],
    ["server", "wep", "web-1"],
    ["server", "wep", "web-1", "--state", "maint"],
    ["deferred", "wep"],
    ["deferred", "wep", "retry", "12"],
    ["deferred", "wep", "cancel", "ab".repeat(48)],
  ])("%s", async (...args) => {
    const { url } = await twoPools();
    const { code, stdout, stderr } = await end(args, { url });
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toMatch(
      /^sluice: (wep:? )?There is no pool "wep", only (web, api|api, web)\. Did you mean "web"\?\n$/,
    );
  });

  test("also one whose name no pool can have", async () => {
    const { url } = await twoPools();
    const { code, stderr } = await end(["status", "web/"], { url });
    expect(code).toBe(64);
    expect(stderr).toMatch(/^sluice: There is no pool "web\/", only .*\. Did you mean "web"\?\n$/);
  });

  test("none of them is meant where none is like it", async () => {
    const { url } = await twoPools();
    expect((await end(["status", "reports"], { url })).stderr).toMatch(
      /^sluice: There is no pool "reports", only (web, api|api, web)\.\n$/,
    );
  });

  test("also those that cannot be reached", async () => {
    const sluice = await twoPools();
    await sluice.losePool("web");
    expect((await end(["status", "wep"], { url: sluice.url })).stderr).toContain("Did you mean");
  });
});

describe("a server that does not exist ends it with 64, and says which there are:", () => {
  test.each([
    ["to be shown", []],
    ["to be changed", ["--weight", "2"]],
  ])("%s", async (_, options) => {
    const { url } = await twoPools();
    expect(await end(["server", "web", "db-1", ...options], { url })).toEqual({
      code: 64,
      stdout: "",
      stderr: 'sluice: web has no server "db-1", only web-1, web-2.\n',
    });
  });

  test("with the one that was probably meant, which no other number is", async () => {
    const { url } = await twoPools();
    const said = async (name: string) => (await end(["server", "web", name], { url })).stderr;
    expect(await said("wen-2")).toBe(
      'sluice: web has no server "wen-2", only web-1, web-2. Did you mean "web-2"?\n',
    );
    expect(await said("web-3")).toBe('sluice: web has no server "web-3", only web-1, web-2.\n');
  });

  test("not all of very many", async () => {
    const { sluice } = await stage(25);
    const { stderr } = await end(["server", "web", "api"], { url: sluice.url });
    expect(stderr).toMatch(/^sluice: web has no server "api", only web-0, .*web-19 and 5 more\.\n$/);
  });
});

test("where the pools cannot be listed, it is only said that there is none of this name", async () => {
  const problem = JSON.stringify({ code: "unknown-pool", detail: "No pool." });
  const origin = await Origin.start((request, response) => {
    if (request.url === "/_sluice/api/pools") response.destroy();
    else response.writeHead(404, { "Content-Type": "application/problem+json" }).end(problem);
  });
  onTestFinished(() => origin.stop());
  expect(await end(["status", "wep"], { url: origin.url })).toEqual({
    code: 64,
    stdout: "",
    stderr: 'sluice: There is no pool "wep".\n',
  });
});
