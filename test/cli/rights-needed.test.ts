/** docs/operators.md, held against the commands: each goes through with the rights that it names, and not without one of them. */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RIGHTS, type Right } from "../../src/config/rights.ts";
import { ROOT, read } from "../docs/documents.ts";
import { codeIn, tableBelow } from "../docs/markdown.ts";
import { Sluice } from "../support/sluice.ts";
import { Run } from "./command.ts";
import { end } from "./end.ts";

const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
const POOLS = { web: { servers, register: { urls: ["*"] } } };

/** The rights of every command that is in the document. What comes after them is needed besides, for some. */
const ROWS = tableBelow(read("docs/operators.md"), "## What each command needs").flatMap(
  ([commands = "", needed = ""]) => {
    const rights = codeIn(needed.split(/[;:]/)[0] ?? "") as Right[];
    return codeIn(commands).map((code) => {
      const changes = commands.includes(`\`${code}\` that changes something`);
      return { command: changes ? `${code} --slots` : code, rights };
    });
  },
);

const UNKNOWN = "0".repeat(96);
const ARGS: Record<string, string[]> = {
  "sluice status": ["status", "web"],
  "sluice top": ["top", "web"],
  "sluice server": ["server", "web", "web-1"],
  "sluice server --slots": ["server", "web", "web-1", "--slots", "2"],
  "sluice server … --remove": ["server", "web", "gpu-1", "--remove"],
  "sluice deferred … list": ["deferred", "web"],
  "sluice deferred … cancel": ["deferred", "web", "cancel", UNKNOWN],
  "sluice deferred … retry": ["deferred", "web", "retry", UNKNOWN],
  "sluice audit": ["audit", "web"],
  "sluice check --against": ["check", "wrangler.toml", "--against"],
  "sluice drain": ["drain", "web"],
  "sluice stop": ["stop", "web"],
  "sluice deploy": ["deploy", "web", "--", "true"],
  "sluice resume": ["resume", "web"],
  "sluice roll": ["roll", "web", "--", "true"],
  "sluice register": ["register", "--pool", "web", "--url", "http://127.0.0.1:8", "--", "true"],
  "sluice token check": ["token", "check"],
};

const tokenOf = (rights: readonly Right[]) => `sluice_the-token-of-who-may-${rights.join("-")}`;
const without = (rights: readonly Right[], one: Right) => rights.filter((right) => right !== one);

/** Nobody can have no right at all, but one for a pool that is not there. */
function entryFor(rights: readonly Right[]) {
  const sha256 = createHash("sha256").update(tokenOf(rights)).digest("hex");
  if (rights.length === 0) return ["none", { sha256, may: ["look"], pools: ["gone"] }] as const;
  return [rights.join("-"), { sha256, may: rights }] as const;
}

let sluice: Sluice;
beforeAll(async () => {
  const sets = ROWS.flatMap(({ rights }) => [rights, ...rights.map((one) => without(RIGHTS, one))]);
  const texts = { ADMIN_TOKENS: JSON.stringify(Object.fromEntries(sets.map(entryFor))) };
  sluice = await Sluice.start({ pools: POOLS, texts });
});
afterAll(() => sluice.stop());
beforeEach(async () => {
  await sluice.resume("web", { force: true });
});

/** The exit code of the command for who has these rights. */
async function codeFor(command: string, rights: readonly Right[]): Promise<number | string | null> {
  const given = ARGS[command] ?? [];
  const args = given.at(-1) === "--against" ? [...given, sluice.url] : given;
  const options = { url: sluice.url, env: { SLUICE_TOKEN: tokenOf(rights) } };
  if (args[0] !== "top") return (await end(args, options)).code;
  const run = new Run(args, options);
  // It goes on until somebody has seen enough.
  await Promise.race([run.code, run.printed("web running")]);
  run.kill("SIGINT");
  return run.code;
}

describe("docs/operators.md names the rights", () => {
  test("of every command that asks Sluice", () => {
    const asking = readdirSync(join(ROOT, "src/cli/commands")).filter((file) =>
      read(`src/cli/commands/${file}`).includes("clientOf("),
    );
    const named = ROWS.map(({ command }) => command.split(" ")[1]);
    expect([...new Set(named)].sort()).toEqual(asking.map((file) => file.replace(".ts", "")).sort());
    expect(ROWS.map(({ command }) => command).sort()).toEqual(Object.keys(ARGS).sort());
  });

  test.each(ROWS)(
    "of `$command`: $rights are enough, and none of them is too many",
    async ({ command, rights }) => {
      expect.soft(await codeFor(command, rights), "with these").not.toBe(77);
      for (const one of rights)
        expect.soft(await codeFor(command, without(RIGHTS, one)), `all but ${one}`).toBe(77);
    },
  );
});
