import { expect, test } from "vitest";
import type { Report } from "../../../src/cli/rehearse/report.ts";
import { Account, rehearse } from "./account.ts";

test("--keep leaves a deployment of which nothing answers without its token, and which --url plays on", async () => {
  const account = await Account.open();
  const kept = await rehearse(account, ["--deploy", "--keep"]);
  expect(await kept.code, kept.stderr).toBe(0);
  expect([...account.workers.keys()]).toHaveLength(2);
  const { url, token } = kept.events.find(({ event }) => event === "kept") as unknown as Record<
    string,
    string
  >;
  expect(url).toBe(account.url);
  for (const path of [
    "/",
    "/_sluice/healthz",
    "/_sluice/rehearsal/servers",
    "/_sluice/rehearsal/direct/server-1",
  ]) {
    for (const authorization of ["", "Bearer of-another-deployment"]) {
      const response = await fetch(url + path, { headers: { authorization } });
      expect([path, response.status]).toEqual([path, 401]);
    }
  }
  const again = await rehearse(account, ["--url", `${url}`], { SLUICE_TOKEN: token });
  const report = JSON.parse(again.stdout) as Report;
  expect(report.acts.filter(({ result }) => result === "did not hold")).toEqual([]);
  expect(await again.code).toBe(0);
  expect(report.where).toBe("url");
  expect([...account.workers.keys()]).toHaveLength(2);
});
