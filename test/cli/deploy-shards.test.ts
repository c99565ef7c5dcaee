import { expect, test } from "vitest";
import { statuses } from "../support/connections.ts";
import { Run } from "./command.ts";
import { loadUntil } from "./load.ts";
import { ASK, controlOf, stage } from "./stage.ts";

test("a deploy that restarts all servers of a pool of eight objects, two of which crash in it, loses no request under load", async () => {
  const pool = await stage(16, 60, { shards: 8 });
  const control = await controlOf(pool.servers);
  const restart = `${ASK} ask /stop && sleep 1 && ask /start`;
  const run = new Run(["deploy", "web", "--json", "--", "sh", "-c", restart], {
    url: pool.sluice.url,
    env: { CONTROL: control.url },
  });
  const crashing = run.saw("draining").then(() => pool.sluice.crash("web#3"));
  const crashedAgain = run.saw("drained").then(() => pool.sluice.crash("web"));
  const answers = await loadUntil(pool, run.code, 150);
  await Promise.all([crashing, crashedAgain]);
  expect(await run.code, run.stderr).toBe(0);
  expect(control.asked).toEqual(["/stop", "/start"]);
  expect(statuses(answers)).toEqual({ 200: answers.length });
  expect(answers.length).toBeGreaterThan(150);
  expect(pool.rejected).toBe(0);
  expect(await pool.sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
});
