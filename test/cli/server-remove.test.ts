import { describe, expect, onTestFinished, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { end } from "./end.ts";

const URL_OF = { "gpu-7": "http://127.0.0.1:8", "gpu-8": "http://127.0.0.1:9" };

/** A pool with a configured server and these, which have registered. */
async function stage(registered: Record<string, string> = URL_OF) {
  const servers = [{ name: "web-1", url: "http://127.0.0.1:7", weight: 0 }];
  const sluice = await Sluice.start({ pools: { web: { servers, register: { urls: ["*"] } } } });
  onTestFinished(() => sluice.stop());
  for (const [name, url] of Object.entries(registered))
    await sluice.admin("PUT", `/api/pools/web/servers/${name}`, { url });
  const names = async () => (await sluice.snapshot("web")).servers.map(({ name }) => name);
  const server = (...args: string[]) => end(["server", "web", ...args], { url: sluice.url });
  return { sluice, names, server };
}

describe("sluice server --remove", () => {
  test("has a server go that has registered, and no other", async () => {
    const { names, server } = await stage();
    expect(await server("gpu-7", "--remove")).toEqual({
      code: 0,
      stdout: "gpu-7 has left web\n",
      stderr: "",
    });
    expect(await names()).toEqual(["web-1", "gpu-8"]);
  });

  test("says what became of it as JSON", async () => {
    const { server } = await stage();
    const { code, stdout } = await server("gpu-7", "--remove", "--json");
    expect([code, JSON.parse(stdout)]).toEqual([0, { name: "gpu-7", inFlight: 0 }]);
  });

  test("says what is still in flight on it; with --wait it ends with 75 where that does not finish in time", async () => {
    const origin = await Origin.start(
      (_, response) => void setImmediate(() => response.writeHead(200).write("a")),
    );
    onTestFinished(() => origin.stop());
    const { sluice, server } = await stage({ "gpu-7": origin.url });
    const response = await fetch(sluice.url);
    expect(await server("gpu-7", "--remove")).toEqual({
      code: 0,
      stdout: "gpu-7 has left web, 1 request is still in flight\n",
      stderr: "",
    });
    expect(await server("gpu-7", "--remove", "--wait", "100ms")).toEqual({
      code: 75,
      stdout: "",
      stderr: "sluice: gpu-7 has left web, 1 request is still in flight after 0.1 s\n",
    });
    await response.body?.cancel();
  });

  test.each([
    ["web-1", "is configured"],
    ["gpu-9", "is nowhere"],
  ])("of one that has not registered ends with 64, and says which have: %s, which %s", async (name) => {
    const { names, server } = await stage({ "gpu-7": URL_OF["gpu-7"] });
    const { code, stderr } = await server(name, "--remove");
    expect([code, stderr]).toEqual([64, `sluice: web has no registered server "${name}", only gpu-7.\n`]);
    expect(await names()).toEqual(["web-1", "gpu-7"]);
  });

  test.each([
    [["--remove", "--slots", "2"], "--remove goes with --wait only."],
    [["--remove", "--state", "drain", "--owner", "me"], "--remove goes with --wait only."],
    [["--wait", "30s"], "--wait goes with --remove."],
  ])("%j is an error of usage, and nobody is asked", async (args, message) => {
    const run = await end(["server", "web", "gpu-7", ...args], { url: "http://127.0.0.1:1" });
    expect([run.code, run.stderr]).toEqual([64, `sluice: ${message}\n`]);
  });
});
