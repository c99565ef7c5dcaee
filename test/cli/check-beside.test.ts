import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Run } from "./command.ts";
import { Folder } from "./script.ts";
import { web } from "./wrangler-file/support.ts";

async function check(devVars: string) {
  const { path: cwd } = await Folder.make();
  await writeFile(join(cwd, "wrangler.toml"), web(""));
  await writeFile(join(cwd, ".dev.vars"), devVars);
  const run = new Run(["check"], { url: "http://127.0.0.1:1", cwd, env: { NO_COLOR: "1" } });
  return { code: await run.code, stdout: run.stdout };
}

describe("sluice check beside a .dev.vars", () => {
  test.each([
    "ADMIN_TOKEN=short-token",
    'OTHER=x\nexport ADMIN_TOKEN = "short-token" # mine',
    "ADMIN_TOKEN='short-token'\r\n",
    "ADMIN_TOKEN: short-token",
    "ADMIN_TOKEN=0123456789abcdef\nADMIN_TOKEN=short-token",
    "ADMIN_TOKEN=short-token # which is long enough with this",
  ])("warns of a token that the Worker would not take, without telling it: %j", async (devVars) => {
    const { code, stdout } = await check(devVars);
    expect(stdout).toContain("warning: .dev.vars: ADMIN_TOKEN has fewer than 16 characters");
    expect(stdout).not.toContain("short-token");
    expect(code).toBe(0);
  });

  test.each(["ADMIN_TOKEN=0123456789abcdef", "#ADMIN_TOKEN=short", "MY_ADMIN_TOKEN=short", ""])(
    "has nothing to say of %j",
    async (devVars) => {
      expect((await check(devVars)).stdout).toContain("no problem found");
    },
  );
});
