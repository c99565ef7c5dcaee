import { spawn } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import { SingleFlightServer } from "../../demo/single-flight.ts";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { read } from "./documents.ts";
import { fencesOf } from "./markdown.ts";

/** As `npm start` has it. */
const POOL = "demo";

function commands(sluice: Sluice): string[] {
  const [, section = ""] = read("docs/getting-started.md").split("## A first drain with curl\n");
  const [block] = fencesOf(section);
  const text = block?.text
    .replaceAll("http://localhost:8787", sluice.url)
    .replace("TOKEN=…", `TOKEN=${TOKEN}`);
  return text?.trim().split("\n") ?? [];
}

test("the first drain that docs/getting-started.md shows goes as it says there", async () => {
  const server = new SingleFlightServer({ name: "demo-1", serviceMs: 20 });
  await server.start();
  onTestFinished(() => server.stop());
  const sluice = await Sluice.start({
    pools: { [POOL]: { servers: [{ name: server.name, url: server.url }] } },
  });
  onTestFinished(() => sluice.stop());
  const lines = commands(sluice);
  const waiting = lines.findIndex((line) => / & +#/.test(line));
  expect(waiting).toBeGreaterThan(0);

  const shell = spawn("bash", { stdio: ["pipe", "pipe", "ignore"] });
  onTestFinished(() => void shell.kill("SIGKILL"));
  let stdout = "";
  shell.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  const ended = new Promise((resolve) => shell.once("close", resolve));
  const type = (some: string[]) => shell.stdin.write(`${some.join("\n")}\n`);

  type(lines.slice(0, waiting + 1));
  const { state } = await sluice.until(POOL, ({ queued }) => queued === 1);
  expect(state).toBe("drained");
  expect(server.served).toEqual(["/hello"]);
  type([...lines.slice(waiting + 1), "wait"]);
  shell.stdin.end();
  await ended;
  expect(stdout.match(/"state":"drained"/g)).toHaveLength(2);
  expect(stdout).toContain('"queued":1,');
  expect(stdout).toContain('"state":"running"');
  expect(stdout.match(/done\n/g)).toHaveLength(2);
  expect(server.served).toEqual(["/hello", "/hello"]);
});
