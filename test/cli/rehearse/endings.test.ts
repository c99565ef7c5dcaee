import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { Run } from "../command.ts";
import { end } from "../end.ts";
import { Account } from "./account.ts";

const NOWHERE = "http://127.0.0.1:1";
const optionsFor = (account: Account) => ({ url: NOWHERE, env: account.env, cwd: account.cwd });
const deployed = (account: Account) => [...account.workers.keys()];

test.each(["SIGINT", "SIGTERM"] as const)(
  "after %s in an act, what was deployed is deleted",
  async (signal) => {
    const account = await Account.open();
    const run = new Run(["rehearse", "--deploy", "--quick"], optionsFor(account));
    await run.printed("load, with a drain");
    expect(deployed(account)).toHaveLength(2);
    run.kill(signal);
    expect(await run.code).toBe(signal === "SIGINT" ? 130 : 143);
    expect(deployed(account)).toEqual([]);
    expect(run.stderr).toContain("interrupted");
    expect(run.stderr).toMatch(/sluice-rehearsal-[\da-f]{8} is deleted/);
    expect(await readdir(account.tmp)).toEqual([]);
  },
);

test.each([
  ["the first deploy", 2],
  ["the deploy under load", 3],
])("after SIGINT in %s, what that still deploys is deleted", async (_, which) => {
  const account = await Account.open();
  const run = new Run(["rehearse", "--deploy", "--quick"], optionsFor(account));
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let deploys = 0;
  account.before = async ({ args }) => {
    if (args[0] !== "deploy" || ++deploys !== which) return;
    reached.resolve();
    await gate.promise;
  };
  await reached.promise;
  run.kill("SIGINT");
  gate.resolve();
  expect(await run.code).toBe(130);
  expect(deployed(account)).toEqual([]);
});

test("after a failed deploy, what came before it is deleted, and wrangler's words are shown", async () => {
  const account = await Account.open();
  account.before = ({ args }) => {
    if (args.includes("sluice.json") && args[0] === "deploy") throw new Error("workers.dev is on strike");
  };
  const { code, stderr } = await end(["rehearse", "--deploy"], optionsFor(account));
  expect(code).toBe(69);
  expect(stderr).toMatch(
    /sluice-rehearsal-[\da-f]{8} cannot be deployed; wrangler ended with 1:\nworkers.dev is on strike/,
  );
  expect(account.commands.filter((command) => command === "delete")).toHaveLength(2);
  expect(deployed(account)).toEqual([]);
});

test("a Worker that cannot be deleted is named, with the command that deletes it", async () => {
  const account = await Account.open();
  account.before = ({ args }) => {
    if (args[0] === "secret") throw new Error("no");
    if (args[0] === "delete" && args.join().includes("-servers")) throw new Error("not now");
  };
  const { code, stderr } = await end(["rehearse", "--deploy"], optionsFor(account));
  expect(code).toBe(69);
  const [left = ""] = deployed(account);
  expect(deployed(account)).toHaveLength(1);
  expect(stderr).toContain(`${left} may still be there: wrangler delete --name ${left}`);
});

test("without a login, nothing is deployed", async () => {
  const account = await Account.open();
  account.isLoggedIn = false;
  const { code, stderr } = await end(["rehearse", "--deploy"], optionsFor(account));
  expect({ code, commands: account.commands }).toEqual({ code: 77, commands: ["whoami"] });
  expect(stderr).toContain("wrangler is not logged in: wrangler login");
});

test("without a wrangler, none is fetched", async () => {
  const account = await Account.open();
  const env = { ...account.env, PATH: account.cwd };
  const { code, stderr } = await end(["rehearse", "--deploy"], { ...optionsFor(account), env });
  expect({ code, commands: account.commands }).toEqual({ code: 127, commands: [] });
  expect(stderr).toContain("wrangler is not installed: npm install --save-dev wrangler");
});

test.each([
  [
    "--url beside --deploy",
    ["--url", NOWHERE, "--deploy"],
    "--url goes without --local, --deploy, --shards and --lie",
  ],
  [
    "--url beside --shards",
    ["--url", NOWHERE, "--shards", "2"],
    "--url goes without --local, --deploy, --shards and --lie",
  ],
  ["no shards", ["--shards", "0"], "Allowed is a whole number from 1 to 64"],
  ["too many shards", ["--shards", "65"], "Allowed is a whole number from 1 to 64"],
  ["--keep alone", ["--keep"], "--keep goes with --deploy"],
  ["--local beside --deploy", ["--local", "--deploy"], "cannot be used with option"],
  ["a hold that is no duration", ["--holds", "1m,5"], "Allowed are durations"],
])("%s ends it with 64 and is said", async (_, args, words) => {
  const { code, stderr } = await end(["rehearse", ...args], { url: NOWHERE });
  expect(code).toBe(64);
  expect(stderr).toContain(words);
});

test("an address where no rehearsal is deployed is named as that", async () => {
  const account = await Account.open();
  const { code, stderr } = await end(["rehearse", "--url", account.url], optionsFor(account));
  expect(code).toBe(70);
  expect(stderr).toContain("no Worker of `sluice rehearse` is there");
});
