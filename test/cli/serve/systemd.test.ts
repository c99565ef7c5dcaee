import { execFileSync, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseDuration } from "../../../src/config/units.ts";
import { read } from "../../docs/documents.ts";
import { fencesOf } from "../../docs/markdown.ts";
import { Folder } from "../script.ts";

const [UNIT = "", SOCKET = ""] = fencesOf(read("docs/self-hosting.md"))
  .filter(({ language }) => language === "ini")
  .map(({ text }) => text);
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).error === undefined;
const settingOf = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(UNIT)?.[1] ?? "";

test("the systemd unit of docs/self-hosting.md gives a stop more time than its grace, and tells it to sluice alone", () => {
  const [, grace = ""] = /--grace (\S+)/.exec(settingOf("ExecStart")) ?? [];
  expect(Number(settingOf("TimeoutStopSec")) * 1_000).toBeGreaterThan(
    parseDuration(grace) ?? Number.POSITIVE_INFINITY,
  );
  expect(settingOf("KillMode")).toBe("mixed");
});

if (!hasSystemd)
  console.warn("NOT RUN: the verification of the systemd units\nsystemd-analyze is missing.\n");

test.runIf(hasSystemd)("systemd has nothing to say against its units", async () => {
  const { path } = await Folder.make();
  const [service, socket] = [join(path, "sluice.service"), join(path, "sluice.socket")];
  // It looks for the program, which may be elsewhere on this machine.
  await writeFile(service, UNIT.replace("/usr/bin/node", process.execPath));
  await writeFile(socket, SOCKET);
  const verify = ["verify", "--man=no", service, socket];
  expect(execFileSync("systemd-analyze", verify, { encoding: "utf8", stdio: "pipe" })).toBe("");
});
