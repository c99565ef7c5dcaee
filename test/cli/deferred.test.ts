import { expect, onTestFinished, test } from "vitest";
import { Deferrer } from "../deferred/support.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";
import { end } from "./end.ts";

/** A pool that stores requests; its server breaks off those to `/breaks`. */
async function stage(keys: Record<string, unknown> = {}) {
  const origin = await Origin.start((request, response) => {
    if (request.url === "/breaks") request.socket.destroy();
    else response.end("served");
  });
  onTestFinished(() => origin.stop());
  const servers = [{ name: "web-1", url: origin.url }];
  const web = { servers, deferred: {}, quarantine: { broken: "1ms" }, ...keys };
  const sluice = await Sluice.start({ pools: { web } });
  onTestFinished(() => sluice.stop());
  return { sluice, origin, client: new Deferrer(() => sluice) };
}

type Stage = Awaited<ReturnType<typeof stage>>;

/** Resolves with the id of a request that has failed. */
async function failed({ sluice, client }: Stage): Promise<string> {
  const id = await client.defer("/breaks");
  await client.ended(id);
  await sluice.until("web", ({ deferred }) => deferred?.failed === 1);
  return id;
}

const deferred = ({ sluice }: Pick<Stage, "sluice">, ...args: string[]) =>
  end(["deferred", "web", ...args], { url: sluice.url });

test("lists what a pool has stored, a line each, with whole ids in a pipe", async () => {
  const all = await stage();
  const id = await failed(all);
  await all.sluice.drain("web");
  const waiting = await all.client.defer("/waits");
  const { code, stdout, stderr } = await deferred(all);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [titles, first, second, ...more] = stdout.split("\n");
  expect(titles).toMatch(/^NUMBER +STATE +METHOD +PATH +ACCEPTED +WAITED +TOOK +ATTEMPTS +RESULT +ID$/);
  expect(first).toMatch(new RegExp(`^ +1 +failed +POST +/breaks .* bad-gateway +${id}$`));
  expect(second).toMatch(new RegExp(`^ +2 +queued +POST +/waits .* – +${waiting}$`));
  expect(more).toEqual([""]);
});

test("lists those in one state, and says so where there are none", async () => {
  const all = await stage();
  await failed(all);
  expect((await deferred(all, "--state", "failed")).stdout.split("\n")).toHaveLength(3);
  expect(await deferred(all, "list", "--state", "queued")).toEqual({
    code: 0,
    stdout: "web has no queued deferred requests\n",
    stderr: "",
  });
});

test("lists what waits, runs or has failed, in their order; what has ended well only if it is asked to", async () => {
  const all = await stage();
  await all.client.ended(await all.client.defer("/served"));
  await failed(all);
  expect((await deferred(all, "retry", "2")).code).toBe(0);
  await all.sluice.until("web", ({ deferred }) => deferred?.failed === 1);
  all.origin.answer = null;
  await all.client.defer("/runs");
  await all.origin.arrival();
  await all.client.defer("/waits");
  const paths = async (...args: string[]) =>
    JSON.parse((await deferred(all, ...args, "--json")).stdout).requests.map(
      ({ path }: { path: string }) => path,
    );
  expect(await paths()).toEqual(["/breaks", "/runs", "/waits"]);
  expect(await paths("--limit", "2")).toEqual(["/breaks", "/runs"]);
  expect(await paths("--state", "answered")).toEqual(["/served"]);
  expect(await paths("--all")).toEqual(["/served", "/breaks", "/runs", "/waits"]);
});

test("says so where nothing waits, runs or has failed, and how to see the others", async () => {
  const all = await stage();
  expect((await deferred(all)).stdout).toBe(
    "web has no deferred requests that wait, run or have failed; --all lists the others\n",
  );
  expect((await deferred(all, "--all")).stdout).toBe("web has no deferred requests\n");
});

test("says where there are more than it lists, and lists them all if it is asked to", async () => {
  const all = await stage();
  await all.sluice.drain("web");
  for (let n = 0; n < 3; n++) await all.client.defer(`/${n}`);
  const some = await deferred(all, "--limit", "2");
  expect(some.stdout.trimEnd().split("\n")).toHaveLength(3);
  expect(some.stderr).toBe("sluice: there are more than these 2; --all lists them\n");
  const { stdout, stderr } = await deferred(all, "--all");
  expect(stdout.trimEnd().split("\n")).toHaveLength(4);
  expect(stderr).toBe("");
});

test("--json is what the admin side says; with --all the pages as one, however many they are", async () => {
  const all = await stage();
  await all.sluice.drain("web");
  for (let n = 0; n < 3; n++) await all.client.defer(`/${n}`);
  const said = await (await all.sluice.admin("GET", "/api/pools/web/deferred?limit=2")).json();
  expect(said).toMatchObject({ requests: [{ path: "/0" }, { path: "/1" }], next: 2 });
  const some = await deferred(all, "--limit", "2", "--json");
  expect([JSON.parse(some.stdout), some.stderr]).toEqual([said, ""]);

  const numbers = Array.from({ length: 2_500 }, (_, n) => n + 1);
  const asked: string[] = [];
  const origin = await Origin.start((request, response) => {
    const query = new URL(request.url ?? "", "http://x").searchParams;
    asked.push(String(query));
    const [after, limit] = [Number(query.get("after")), Number(query.get("limit"))];
    const requests = numbers.slice(after, after + limit).map((number) => ({ number }));
    const next = after + limit < numbers.length ? after + limit : null;
    response.end(JSON.stringify({ requests, next }));
  });
  onTestFinished(() => origin.stop());
  const { stdout } = await deferred(
    { sluice: { url: origin.url } as Sluice },
    "--all",
    "--state",
    "failed",
    "--json",
  );
  expect(JSON.parse(stdout)).toEqual({ requests: numbers.map((number) => ({ number })), next: null });
  expect(asked).toEqual([0, 1_000, 2_000].map((after) => `state=failed&limit=1000&after=${after}`));
});

test("tries one again by its number or its id, and says where it stands", async () => {
  const all = await stage();
  const id = await failed(all);
  await all.sluice.drain("web");
  expect(await deferred(all, "retry", "1")).toEqual({
    code: 0,
    stdout: "web: request 1 is queued again, at place 1\n",
    stderr: "",
  });
  await all.sluice.resume("web");
  await all.client.ended(id);
  await all.sluice.until("web", ({ deferred }) => deferred?.failed === 1);
  await all.sluice.drain("web");
  const { stdout } = await deferred(all, "retry", id, "--json");
  expect(JSON.parse(stdout)).toEqual({ id, state: "queued", place: 1, estimatedStartAt: null });
});

test("cancels one by its number or its id; its id is not shown whole", async () => {
  const all = await stage();
  await all.sluice.drain("web");
  const [first, second] = [await all.client.defer("/1"), await all.client.defer("/2")];
  const done = "is canceled\n";
  expect(await deferred(all, "cancel", "2")).toMatchObject({ code: 0, stdout: `web: request 2 ${done}` });
  expect((await all.client.status(second)).state).toBe("canceled");
  const by = await deferred(all, "cancel", first);
  expect(by).toMatchObject({ code: 0, stdout: `web: request ${first.slice(0, 8)}… ${done}` });
  expect(JSON.parse((await deferred(all, "cancel", "1", "--json")).stdout)).toEqual({
    id: first,
    state: "canceled",
  });
});

test("cancels none that has ended: says so, and leaves its answer alone", async () => {
  const all = await stage();
  const id = await all.client.defer("/");
  await all.client.ended(id);
  await all.sluice.until("web", ({ deferred }) => deferred?.answered === 1);
  expect(await deferred(all, "cancel", "1")).toEqual({
    code: 64,
    stdout: "",
    stderr: "sluice: pool web: The request has already ended, as answered: nothing was done to it.\n",
  });
  expect(String((await all.client.response(id)).body)).toBe("served");
  await all.client.cancel(id);
  expect(await deferred(all, "cancel", id)).toEqual({
    code: 64,
    stdout: "",
    stderr: "sluice: web has no such deferred request; it may have been forgotten after its end.\n",
  });
});

test("stops one that runs, and says that it may take a moment", async () => {
  const all = await stage({ on_client_abort: "cancel" });
  all.origin.answer = null;
  const id = await all.client.defer("/runs");
  await all.origin.arrival();
  const { code, stdout } = await deferred(all, "cancel", "1");
  const words = "web: request 1 runs, and is being stopped as on_client_abort says\n";
  expect({ code, stdout }).toEqual({ code: 0, stdout: words });
  expect((await all.client.ended(id)).state).toBe("canceled");
});

test.each([
  [
    "that is not there",
    ["retry", "12"],
    64,
    "web has no deferred request 12; it may have been forgotten after its end",
  ],
  ["of number 0", ["cancel", "0"], 64, "web has no deferred request 0; "],
  ["that has not failed", ["retry", "1"], 64, "pool web: Only a request that has failed can be tried again."],
])("a request %s ends it with its exit code and says why", async (_, args, code, words) => {
  const all = await stage();
  await all.sluice.drain("web");
  await all.client.defer("/");
  const run = await deferred(all, ...args);
  expect(run).toMatchObject({ code, stdout: "" });
  expect(run.stderr).toContain(words);
});

test("a retry for which there is no room, or no server, ends with 69: it may work later", async () => {
  const all = await stage({ deferred: { max: 1 }, when_down: "refuse" });
  await failed(all);
  await all.sluice.admin("PATCH", "/api/pools/web/servers/web-1", { state: "maint" });
  const noServer = await deferred(all, "retry", "1");
  expect(noServer).toMatchObject({ code: 69, stdout: "" });
  expect(noServer.stderr).toContain("Every server is down or in maintenance. Try again later.");
  await all.sluice.drain("web");
  await all.client.defer("/");
  const full = await deferred(all, "retry", "1");
  expect(full).toMatchObject({ code: 69, stdout: "" });
  expect(full.stderr).toContain("As many requests as allowed are stored and wait. Try again later.");
});

test("status shows the deferred requests of pools that store some", async () => {
  const all = await stage();
  await failed(all);
  await all.sluice.drain("web");
  await all.client.defer("/");
  const table = await end(["status"], { url: all.sluice.url });
  expect(table.stdout).toMatch(
    / DEFERRED +SERVERS +DRAINED BY\nweb .* 0\/\d+ +– +10 min \(timeout\) +1, 1 failed +1\/1 +"admin"\n$/,
  );
  const one = await end(["status", "web"], { url: all.sluice.url });
  expect(one.stdout).toMatch(
    /\ndeferred {2}1 queued, the oldest for [\d.]+ s · 0 running · 0 answered · 1 failed\n/,
  );
  const { stdout } = await end(["drain", "web"], { url: all.sluice.url });
  expect(stdout).toMatch(/^web drained after .* s, 0 queued, 1 deferred\n/);
});
