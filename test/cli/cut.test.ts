import { expect, onTestFinished, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { next, openWebSocket } from "../support/web-socket-client.ts";
import { busyStage } from "./busy.ts";
import { Run } from "./command.ts";
import { end } from "./end.ts";
import { stage } from "./stage.ts";

const SOCKETS = 5;

test("a drain with --cut-after is done once what is in flight is cut off, and says how many that were", async () => {
  const { sluice } = await busyStage();
  const run = new Run(["drain", "web", "--cut-after", "500ms"], { url: sluice.url });
  await run.printed("web draining: 1 in flight\n");
  expect(await run.code).toBe(0);
  expect(run.stdout).toMatch(
    /^web drained after [\d.]+ s, 1 request cut off, 0 queued\nthe drain stays until /,
  );
  expect(await sluice.snapshot("web")).toMatchObject({
    state: "drained",
    drain: { cut: { done: true } },
    inFlight: 1,
    quarantined: 1,
  });
});

test("a drain with --cut-after in which all ends in time has cut off nothing, and does not say so", async () => {
  const { sluice, answer, finish } = await busyStage();
  const run = new Run(["drain", "web", "--cut-after", "30s"], { url: sluice.url });
  await run.printed("web draining: 1 in flight\n");
  finish();
  expect(await run.code).toBe(0);
  expect(await answer).toBe(200);
  expect(run.stdout).toMatch(/^web drained after [\d.]+ s, 0 queued\n/);
});

test("a deploy with --cut-after runs its command once the pool counts as drained, and says what was cut off", async () => {
  const { sluice } = await busyStage();
  const run = await end(["deploy", "web", "--cut-after", "500ms", "--", "echo", "deployed"], {
    url: sluice.url,
  });
  expect(run).toMatchObject({ code: 0, stdout: "deployed\n" });
  expect(run.stderr).toMatch(
    /^sluice: web draining: 1 in flight\nsluice: web drained after [\d.]+ s, 1 request cut off, running echo\n/,
  );
  expect(run.stderr).toContain("web runs again after");
  // The server may still be at work on it: its slot stays closed.
  expect(await sluice.snapshot("web")).toMatchObject({ state: "running", quarantined: 1 });
});

test("--json tells when a deploy cuts off, and how many it has cut off", async () => {
  const { sluice } = await busyStage();
  const run = new Run(["deploy", "web", "--cut-after", "500ms", "--json", "--", "true"], { url: sluice.url });
  expect(await run.code).toBe(0);
  const told = run.events.map(({ event, cutOff, cutAt }) => ({ event, cutOff, at: typeof cutAt }));
  expect(told.slice(0, 2)).toEqual([
    { event: "draining", cutOff: undefined, at: "string" },
    { event: "drained", cutOff: 1, at: "undefined" },
  ]);
});

test("a roll with --cut-after takes a server for drained once its requests are cut off", async () => {
  const { sluice } = await busyStage();
  const run = await end(["roll", "web", "--cut-after", "500ms", "--", "true"], { url: sluice.url });
  expect(run.code).toBe(0);
  expect(run.stderr).toContain("web web-0 (1 of 1) 1 request cut off, running true\n");
  expect(run.stderr).toContain("all done: web-0\n");
  const { state, servers } = await sluice.snapshot("web");
  expect([state, servers[0]?.state, servers[0]?.cut]).toEqual(["running", "ready", undefined]);
});

test("a server that is taken out with --cut-after has what is in flight there cut off, and says when", async () => {
  const { sluice, answer } = await busyStage();
  const { url } = sluice;
  const run = await end(["server", "web", "web-0", "--state", "maint", "--cut-after", "0s"], { url });
  expect(run.code).toBe(0);
  expect(await answer).toBe(504);
  const { servers } = await sluice.until("web", ({ quarantined }) => quarantined === 1);
  expect(servers[0]).toMatchObject({ state: "maint", cut: { done: true } });
});

test.each([
  ["a server that is not taken out", []],
  ["a server that is put back", ["--state", "ready"]],
])("--cut-after for %s is an error of usage", async (_, args) => {
  const { sluice } = await stage();
  const run = await end(["server", "web", "web-0", "--cut-after", "1s", ...args], { url: sluice.url });
  expect([run.code, run.stderr]).toEqual([64, "sluice: --cut-after goes with --state drain or maint.\n"]);
});

test.each([
  ["deploy", ["--drain-timeout", "10s", "--cut-after", "10s", "--", "true"], "--drain-timeout 10 s"],
  ["roll", ["--cut-after", "2m", "--", "true"], "--drain-timeout 1 min"],
  ["drain", ["--expires", "30s", "--cut-after", "1m"], "--expires 30 s"],
  ["stop", ["--expires", "30s", "--cut-after", "1m"], "--expires 30 s"],
])("a cut that would come too late is an error of usage: %s %j", async (command, args, before) => {
  const { sluice } = await stage();
  const run = await end([command, "web", ...args], { url: sluice.url });
  expect(run.code).toBe(64);
  expect(run.stderr).toMatch(/^sluice: --cut-after (10 s|2 min|1 min) is not before /);
  expect(run.stderr).toContain(`before ${before}: nothing would be cut off.\n`);
  expect((await sluice.snapshot("web")).state).toBe("running");
});

test("a deploy over WebSockets that stay open says how many it has cut off, though all have closed since", async () => {
  const origin = await Origin.start();
  onTestFinished(() => origin.stop());
  const servers = [{ name: "web-0", url: origin.url, slots: SOCKETS }];
  const sluice = await Sluice.start({ pools: { web: { servers } } });
  onTestFinished(() => sluice.stop());
  const sockets = [];
  for (let n = 0; n < SOCKETS; n++) sockets.push(await openWebSocket({ origin, sluice }));
  const closes = sockets.map(async ({ client, server }) => {
    const closed = next(client, "close");
    const { kind, code } = await server.frame();
    server.sendClose(code);
    return [kind, code, (await closed).code];
  });
  const run = await end(["deploy", "web", "--cut-after", "1s", "--", "echo", "deployed"], {
    url: sluice.url,
  });
  expect(run).toMatchObject({ code: 0, stdout: "deployed\n" });
  expect(run.stderr).toContain(`, ${SOCKETS} requests cut off, running echo\n`);
  expect(await Promise.all(closes)).toEqual(Array(SOCKETS).fill(["close", 1001, 1001]));
  await sluice.until("web", ({ inFlight }) => inFlight === 0);
});
