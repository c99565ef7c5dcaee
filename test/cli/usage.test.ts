import { describe, expect, test } from "vitest";
import { end } from "./end.ts";

describe("before anything is asked", () => {
  const nobody = "http://127.0.0.1:1";

  test.each([
    ["no SLUICE_TOKEN", { SLUICE_TOKEN: undefined }, 77, "Set SLUICE_TOKEN, or --token"],
    ["an empty SLUICE_TOKEN", { SLUICE_TOKEN: "" }, 77, "Set SLUICE_TOKEN, or --token"],
    ["a SLUICE_TOKEN that no header can hold", { SLUICE_TOKEN: "a\nsecret" }, 77, "The token has characters"],
    ["no SLUICE_URL", { SLUICE_URL: undefined }, 64, "Set SLUICE_URL, or --url"],
    ["a SLUICE_URL that is none", { SLUICE_URL: "sluice" }, 64, '"sluice" is not an origin'],
    ["a SLUICE_URL of another kind", { SLUICE_URL: "ftp://a" }, 64, '"ftp://a" is not an origin'],
    ["a SLUICE_URL with a path", { SLUICE_URL: "https://a/b" }, 64, '"https://a/b" is not an origin'],
    ["a SLUICE_URL with a query", { SLUICE_URL: "https://a/?b" }, 64, '"https://a/?b" is not an origin'],
  ])("%s ends it and is said", async (_, env, code, words) => {
    const run = await end(["status"], { url: nobody, env });
    expect(run).toMatchObject({ code, stdout: "" });
    expect(run.stderr).toContain(words);
  });

  test.each(["https://ann:secret@a", "https://secret@a", "https://ann:secret@a:99999"])(
    "%s ends it with 64, and the password is not shown",
    async (url) => {
      const { code, stderr } = await end(["status"], { url });
      expect(code).toBe(64);
      expect(stderr).toContain("SLUICE_URL: it is not an origin");
      expect(stderr).not.toContain("secret");
    },
  );

  test.each([
    ["an unknown command", ["drian", "web"], "Did you mean drain?"],
    ["no command", [], "Usage: sluice"],
    ["an unknown option", ["drain", "web", "--wiat", "1s"], "Did you mean --wait?"],
    ["a missing argument", ["drain"], "missing required argument 'pool'"],
    ["one argument too many", ["status", "web", "api"], "too many arguments"],
    ["no duration", ["drain", "web", "--wait", "30"], "'30' is invalid. Allowed is"],
    [
      "a drain that is too short to be kept up",
      ["deploy", "web", "--expires", "999ms", "--", "true"],
      'at least "1s"',
    ],
    ["a missing value", ["drain", "web", "--wait"], "argument missing"],
    ["nothing to run", ["deploy", "web", "--"], "missing required argument 'command'"],
    ["nothing to roll", ["roll", "web"], "missing required argument 'command'"],
    ["an unknown action", ["deferred", "web", "delete"], "Allowed choices are list, cancel, retry."],
    ["an unknown state", ["deferred", "web", "--state", "lost"], "Allowed choices are queued, running"],
    [
      "too many at a time",
      ["deferred", "web", "--limit", "1001"],
      "Allowed is a whole number from 1 to 1000.",
    ],
    [
      "a limit beside all",
      ["deferred", "web", "--limit", "5", "--all"],
      "cannot be used with option '--all'",
    ],
    ["a request for the list", ["deferred", "web", "list", "12"], "list takes no request"],
    ["no request to retry", ["deferred", "web", "retry"], "Which one? Name its number"],
    ["a state to retry", ["deferred", "web", "retry", "--state", "failed"], "are for list, not for retry"],
    ["a limit for one", ["deferred", "web", "cancel", "12", "--all"], "are for list, not for cancel"],
    [
      "an unknown choice",
      ["roll", "web", "--on-failure", "cry", "--", "true"],
      "Allowed choices are resume, hold.",
    ],
  ])("%s ends it with 64 and is named", async (_, args, words) => {
    const { code, stdout, stderr } = await end(args, { url: nobody });
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toContain(words);
  });
});
