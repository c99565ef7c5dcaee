import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { commandPath } from "../support/bundle.ts";
import { send } from "../support/client.ts";
import { busyStage } from "./busy.ts";
import { Run } from "./command.ts";
import { Terminal } from "./pty.ts";
import { Folder, WAIT_FOR_GO } from "./script.ts";
import { shownOn } from "./shown.ts";
import { stage } from "./stage.ts";

const ESCAPE = "\u001b[";
const CTRL_C = "\u0003";
/** The sequence that begins the live line again. */
const LINE_AGAIN = "\r\u001b[2K";

async function statusOn(terminal: { columns?: number; env?: NodeJS.ProcessEnv }): Promise<string> {
  const { sluice } = await stage(2);
  const status = await Terminal.run(["status", "web"], { url: sluice.url, ...terminal });
  expect(await status.code).toBe(0);
  return status.output;
}

describe("colours", () => {
  test("are there on a terminal that has them", async () => {
    expect(await statusOn({})).toContain("\u001b[32mrunning\u001b[39m");
  });

  test.each([
    ["NO_COLOR is set", { NO_COLOR: "1" }],
    ["the terminal has none", { TERM: "dumb" }],
  ])("are not there where %s", async (_, env) => {
    expect(await statusOn({ env })).not.toContain(ESCAPE);
  });

  test("are not there in a pipe", async () => {
    const { sluice } = await stage();
    const run = new Run(["status", "web"], { url: sluice.url });
    expect(await run.code).toBe(0);
    expect(run.stdout).toContain("running");
    expect(run.stdout).not.toContain(ESCAPE);
  });
});

test("a table is as wide as the terminal at most, without what is usual of every server", async () => {
  const lines = stripVTControlCharacters(await statusOn({ columns: 60 })).split("\r\n");
  expect(lines.filter((line) => /^SERVER +STATE +IN FLIGHT +LONGEST +URL$/.test(line))).toHaveLength(1);
  expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(60);
});

describe("the live line", () => {
  test.each([30, 80])("is never wider than %d columns, and is gone at the end", async (columns) => {
    const { sluice } = await busyStage();
    const drain = await Terminal.run(["drain", "web", "--wait", "900ms"], { url: sluice.url, columns });
    expect(await drain.code).toBe(75);
    const [before, ...drawn] = drain.output.split(LINE_AGAIN);
    const end = drawn.pop();
    expect(before).toBe("");
    expect(drawn.length).toBeGreaterThan(0);
    for (const line of drawn) {
      expect(line).toContain("sluice: web draining: 1 in");
      expect(stringWidth(line)).toBeLessThan(columns);
    }
    expect(end).toMatch(/^sluice: web is not drained after 0\.9 s.*\r\n$/);
  });

  test("shows in flight, queued, the oldest wait and the time left, and leaves the command's output alone", async () => {
    const { sluice, answer, finish } = await busyStage();
    const waiting = send(sluice.url);
    await sluice.until("web", ({ queued }) => queued === 1);
    const deploy = await Terminal.run(["deploy", "web", "--", "echo", "deployed"], { url: sluice.url });
    await deploy.until(({ output }) => output.includes(" left"));
    finish();
    expect(await deploy.code).toBe(0);
    const [, live] = deploy.output.split(LINE_AGAIN).map((line) => stripVTControlCharacters(line));
    expect(live).toMatch(
      /^sluice: web draining: 1 in flight, 1 queued, oldest [\d.]+ s, (1 min|\d\d s) left$/,
    );
    expect(shownOn(80, deploy.output)).toEqual([
      expect.stringMatching(/^sluice: web drained after [\d.]+ s, running echo$/),
      "deployed",
      expect.stringMatching(/^sluice: web runs again after /),
      "",
    ]);
    expect([await answer, (await waiting).status]).toEqual([200, 200]);
  });
});

describe("the last line of a command that is run, without a line break at its end,", () => {
  const COLUMNS = 40;

  // Also one that fills its line, and one that leaves a column.
  test.each([1, 10, COLUMNS - 1, COLUMNS, COLUMNS + 1])(
    "stays whole above a deploy's own lines: %d columns",
    async (length) => {
      const { sluice } = await stage();
      const text = "x".repeat(length);
      const options = { url: sluice.url, columns: COLUMNS };
      const deploy = await Terminal.run(["deploy", "web", "--", "printf", text], options);
      expect(await deploy.code).toBe(0);
      const shown = shownOn(COLUMNS, deploy.output);
      const end = shown.findIndex((line) => line.startsWith("sluice: web runs again"));
      const printed = shown.slice(
        shown.findIndex((line) => line.startsWith("x")),
        end,
      );
      expect(printed.join("")).toBe(text);
    },
  );

  test("stays above the live line of a roll that waits for a server", async () => {
    const { sluice } = await stage(1, 20, { check: { path: "/idle", interval: "200ms" } });
    const options = { url: sluice.url, columns: 100 };
    const roll = await Terminal.run(["roll", "web", "--", "printf", "restarted, pid 4711"], options);
    expect(await roll.code).toBe(0);
    expect(roll.output).toContain("to be up");
    expect(shownOn(100, roll.output)).toContain("restarted, pid 4711");
  });

  test("is not followed by an empty line if it has its line break", async () => {
    const { sluice } = await stage();
    const options = { url: sluice.url, columns: COLUMNS };
    const deploy = await Terminal.run(["deploy", "web", "--", "echo", "deployed"], options);
    expect(await deploy.code).toBe(0);
    const shown = shownOn(COLUMNS, deploy.output);
    expect(shown[shown.indexOf("deployed") + 1]).toMatch(/^sluice: web runs again/);
  });
});

describe("Ctrl-C on a terminal", () => {
  test("reaches the command of a deploy exactly once, and the pool runs again", async () => {
    const { sluice } = await stage();
    const folder = await Folder.make();
    const script = `trap 'echo x >> heard; exit 7' INT; ${WAIT_FOR_GO}`;
    const deploy = await Terminal.run(["deploy", "web", "--", "sh", "-c", script], {
      url: sluice.url,
      cwd: folder.path,
    });
    await folder.until("started");
    deploy.type(CTRL_C);
    expect(await deploy.code).toBe(7);
    expect(await readFile(join(folder.path, "heard"), "utf8")).toBe("x\n");
    expect((await sluice.snapshot("web")).state).toBe("running");
  });

  test("reaches it exactly once where its input and output are files too", async () => {
    const { sluice } = await stage();
    const folder = await Folder.make();
    await writeFile(join(folder.path, "step"), `trap 'echo x >> heard' INT; ${WAIT_FOR_GO}`);
    const typed = `'${process.execPath}' '${commandPath()}' deploy web -- sh step < step > out 2>&1`;
    const deploy = await Terminal.open(["sh", "-c", typed], { url: sluice.url, cwd: folder.path });
    await expectHeardOnce(deploy, folder);
  });

  test("reaches a command that stays exactly once too", async () => {
    const { sluice } = await stage();
    const folder = await Folder.make();
    const script = `trap 'echo x >> heard' INT; ${WAIT_FOR_GO}`;
    const deploy = await Terminal.run(["deploy", "web", "--", "sh", "-c", script], {
      url: sluice.url,
      cwd: folder.path,
    });
    await expectHeardOnce(deploy, folder);
  });
});

/** The command writes down each Ctrl-C, and ends when the test lets it. */
async function expectHeardOnce(deploy: Terminal, folder: Folder): Promise<void> {
  await folder.until("started");
  deploy.type(CTRL_C);
  await folder.until("heard");
  await folder.put("go");
  expect(await deploy.code).toBe(130);
  expect(await readFile(join(folder.path, "heard"), "utf8")).toBe("x\n");
}
