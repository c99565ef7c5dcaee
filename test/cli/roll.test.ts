import { expect, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { statuses } from "../support/connections.ts";
import type { Sluice } from "../support/sluice.ts";
import { busyStage } from "./busy.ts";
import { type Event, Run } from "./command.ts";
import { loadUntil } from "./load.ts";
import { Folder, WAIT_FOR_GO } from "./script.ts";
import { ASK, controlOf, holding, losingFirstAnswerTo, stage } from "./stage.ts";

/** A restarted server is up after its first passed check; a broken connection closes its slot for a moment only. */
const CHECKED = {
  check: { path: "/idle", interval: "200ms", timeout: "1s", rise: 1, fall: 3 },
  quarantine: { broken: "50ms" },
};
const RESTART = `${ASK} ask /restart/$SLUICE_SERVER`;

const namesOf = ({ servers }: Snapshot) => servers.map(({ name }) => name);
const isOut = ({ state, health }: Snapshot["servers"][number]) => state !== "ready" || health === "down";
const toldOf = (events: Event[], kind: string) => events.filter(({ event }) => event === kind);

/** The sets of servers that were out at the same time, by polling. */
async function outUntil(sluice: Sluice, end: Promise<unknown>): Promise<Set<string>> {
  const seen = new Set<string>();
  let over = false;
  void end.finally(() => {
    over = true;
  });
  while (!over) {
    const { servers } = await sluice.snapshot("web");
    seen.add(
      servers
        .filter(isOut)
        .map(({ name }) => name)
        .join(" and "),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return seen;
}

test("a roll over ten servers under load beyond their capacity refuses no request, and takes out one at a time", async () => {
  const pool = await stage(10, 100, CHECKED);
  const control = await controlOf(pool.servers);
  const names = namesOf(await pool.sluice.snapshot("web"));
  const loaded = pool.sluice.until("web", ({ queued }) => queued > 0);
  const command = ["--", "sh", "-c", RESTART];
  const rolled = loaded.then(
    () =>
      new Run(["roll", "web", "--json", ...command], { url: pool.sluice.url, env: { CONTROL: control.url } }),
  );
  const end = rolled.then(({ code }) => code);
  const [answers, out] = await Promise.all([loadUntil(pool, end, 110), outUntil(pool.sluice, end)]);
  const { events, stderr } = await rolled;
  expect(await end, stderr).toBe(0);
  expect(statuses(answers)).toEqual({ 200: answers.length });
  expect(answers.length).toBeGreaterThan(200);
  expect(pool.rejected).toBe(0);
  expect(control.asked).toEqual(names.map((name) => `/restart/${name}`));
  out.delete("");
  expect([...out].sort()).toEqual(names);
  const after = await pool.sluice.snapshot("web");
  expect(after.servers.filter(isOut)).toEqual([]);
  expect(after.totals.refused).toEqual(
    Object.fromEntries(Object.keys(after.totals.refused).map((c) => [c, 0])),
  );
  expect(events.at(-1)).toEqual({ pool: "web", event: "finished", done: names });
});

test("of two rolls that find a server ready only one runs its command for it; the other is told so, and undoes nothing", async () => {
  const { sluice } = await stage(1);
  const folder = await Folder.make();
  const slow = await holding("PATCH", sluice.url);
  const late = new Run(["roll", "web", "--", "touch", "late"], { url: slow.url, cwd: folder.path });
  await slow.held;
  const first = new Run(["roll", "web", "--", "sh", "-c", WAIT_FOR_GO], {
    url: sluice.url,
    cwd: folder.path,
  });
  await folder.until("started");
  slow.release();
  expect(await late.code).toBe(76);
  expect(late.stderr).toContain('sluice: web: The server web-0 is in state "drain".\n');
  expect(folder.has("late")).toBe(false);
  expect((await sluice.snapshot("web")).servers[0]?.state).toBe("drain");
  await folder.put("go");
  expect(await first.code).toBe(0);
  expect((await sluice.snapshot("web")).servers.filter(isOut)).toEqual([]);
});

test("a roll whose request did its work, and whose answer was lost, goes on", async () => {
  const { sluice } = await stage(1);
  const lossy = await losingFirstAnswerTo("PATCH", sluice.url);
  const run = new Run(["roll", "web", "--json", "--", "true"], { url: lossy });
  expect(await run.code, run.stderr).toBe(0);
  const told = run.events.map(({ event }) => event);
  expect(told).toEqual([
    "unchecked",
    "server",
    "unreachable",
    "reached",
    "running",
    "command",
    "back",
    "finished",
  ]);
});

test("the command is told which server it is for", async () => {
  const { sluice } = await stage(2);
  const { servers } = await sluice.snapshot("web");
  const run = new Run(["roll", "web", "--", "sh", "-c", 'echo "$SLUICE_SERVER $SLUICE_SERVER_URL"'], {
    url: sluice.url,
  });
  expect(await run.code).toBe(0);
  expect(run.stdout).toBe(servers.map(({ name, url }) => `${name} ${url}\n`).join(""));
});

test("without health checks a server is taken to be up when its command has ended, and the roll warns of that first", async () => {
  const { sluice } = await stage(2);
  const run = new Run(["roll", "web", "--", "true"], { url: sluice.url });
  expect(await run.code).toBe(0);
  expect(run.stderr.split("\n")).toEqual([
    "sluice: web warning: it has no `check`, so nobody knows when a server is up again: " +
      "each is put back as soon as its command ends",
    "sluice: web web-0 (1 of 2) idle, running true",
    "",
    "sluice: web web-0 (1 of 2) takes requests again",
    "sluice: web web-1 (2 of 2) idle, running true",
    "",
    "sluice: web web-1 (2 of 2) takes requests again",
    "sluice: web all done: web-0, web-1",
    "",
  ]);
});

test("with health checks a roll warns of nothing", async () => {
  const { sluice } = await stage(1, 20, CHECKED);
  const run = new Run(["roll", "web", "--", "true"], { url: sluice.url });
  expect(await run.code, run.stderr).toBe(0);
  expect(run.stderr).not.toContain("warning");
});

test("with --json the warning of a pool without health checks is an event", async () => {
  const { sluice } = await stage(1);
  const run = new Run(["roll", "web", "--json", "--", "true"], { url: sluice.url });
  expect(await run.code).toBe(0);
  expect(run.events[0]).toEqual({ pool: "web", event: "unchecked" });
});

test("the command runs only when the server's last request is answered", async () => {
  const { sluice, answer, finish } = await busyStage();
  const run = new Run(["roll", "web", "--", "echo", "ran"], { url: sluice.url });
  await run.printed("web draining web-0 (1 of 1): 1 in flight");
  expect(run.stdout).toBe("");
  finish();
  expect(await run.code).toBe(0);
  expect(await answer).toBe(200);
  expect(run.stdout).toBe("ran\n");
});

test("a pool that has been idle for long wakes its health checks for the roll", async () => {
  const pool = await stage(2, 20, CHECKED);
  // Without a request so far, no health check has run.
  expect((await pool.sluice.snapshot("web")).servers.map(({ lastCheck }) => lastCheck)).toEqual([null, null]);
  const control = await controlOf(pool.servers);
  const run = new Run(["roll", "web", "--json", "--up-timeout", "10s", "--", "sh", "-c", RESTART], {
    url: pool.sluice.url,
    env: { CONTROL: control.url },
  });
  expect(await run.code, run.stderr).toBe(0);
  expect(toldOf(run.events, "back").map(({ server }) => server)).toEqual(["web-0", "web-1"]);
});

test("a server in maintenance is left alone, and stays there", async () => {
  const { sluice } = await stage(3);
  await sluice.admin("PATCH", "/api/pools/web/servers/web-1", { state: "maint" });
  const run = new Run(["roll", "web", "--", "sh", "-c", "echo $SLUICE_SERVER"], { url: sluice.url });
  expect(await run.code).toBe(0);
  expect(run.stdout).toBe("web-0\nweb-2\n");
  expect(run.stderr).toContain("web-1 is in maintenance, and left alone\n");
  const { servers } = await sluice.snapshot("web");
  expect(servers.map(({ state }) => state)).toEqual(["ready", "maint", "ready"]);
});

test("a roll of a pool whose servers are all in maintenance has nothing to do, and says so", async () => {
  const { sluice } = await stage(1);
  await sluice.admin("PATCH", "/api/pools/web/servers/web-0", { state: "maint" });
  const run = new Run(["roll", "web", "--", "false"], { url: sluice.url });
  expect(await run.code).toBe(0);
  expect(run.stderr).toContain("sluice: web nothing to do\n");
});
