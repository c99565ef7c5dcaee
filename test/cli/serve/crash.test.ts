import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { Deferrer } from "../../deferred/support.ts";
import { send } from "../../support/client.ts";
import { Fleet, Project } from "./support.ts";

const CLIENTS = 12;

test("a SIGKILL under load loses neither the drain nor a stored request, and no server gets two requests", {
  timeout: 120_000,
}, async () => {
  const fleet = await Fleet.start(3, 400);
  const keys = { quarantine: { probe: "/idle" }, deferred: {} };
  const project = await Project.make({ web: { servers: fleet.list, ...keys } });
  let served = await project.serve();
  const deferrer = new Deferrer(() => served);
  const killed = served;
  const clients = Array.from({ length: CLIENTS }, (_, n) =>
    send(killed.url, { path: `/direct/${n}` }).then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => error.code,
    ),
  );
  await served.until(({ inFlight, queued }) => inFlight === 3 && queued === CLIENTS - 3);
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push(await deferrer.defer(`/stored/${n}`));
  const drained = await served.admin("/drain", { owner: "ops", expires: "10m" });
  expect(drained.status).toBe(202);
  await served.until(({ inFlight }) => inFlight > 0);

  served.run.kill("SIGKILL");
  // Who held a connection sees it break; clients that want to come back later have their requests stored.
  expect((await Promise.all(clients)).filter((end) => end !== 200 && end !== "ECONNRESET")).toEqual([]);
  await served.run.code;

  served = await project.serve();
  const back = await served.snapshot();
  expect(back).toMatchObject({ drain: { owner: "ops" }, deferred: { queued: 5 } });
  const waiting = Array.from({ length: CLIENTS }, (_, n) => send(served.url, { path: `/again/${n}` }));
  await served.until(({ queued }) => queued === CLIENTS + 5);
  await served.admin("/resume", { owner: "ops" });
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(Array(CLIENTS).fill(200));
  const ends = await Promise.all(ids.map((id) => deferrer.ended(id)));
  expect(ends.map(({ state }) => state)).toEqual(Array(5).fill("answered"));
  const stored = fleet.served.filter((path) => path.startsWith("/stored/"));
  expect(stored.sort()).toEqual([0, 1, 2, 3, 4].map((n) => `/stored/${n}`));
  expect(fleet.rejected).toBe(0);
});

test("where its runtime crashes, `sluice serve` says so and ends with 70, for a supervisor to start it again", async () => {
  const fleet = await Fleet.start(1, 0);
  const project = await Project.make({ web: { servers: fleet.list } });
  const { run } = await project.serve();
  const children = execFileSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const [runtime] = children.filter(([, parent, name]) => Number(parent) === run.pid && name === "workerd");
  process.kill(Number(runtime?.[0]), "SIGKILL");
  expect(await run.code).toBe(70);
  expect(run.stderr).toContain("sluice: The runtime has crashed: workerd ended with SIGKILL\n");
  await project.serve();
});
