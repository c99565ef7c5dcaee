import { expect, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import type { Sluice } from "../support/sluice.ts";
import { watch } from "./events/support.ts";
import { get, stage } from "./support.ts";

/** True if `a` is an earlier snapshot than `b`, as docs/admin-api.md says. */
function isBefore({ revision: a }: Snapshot, { revision: b }: Snapshot): boolean {
  return a.since === b.since ? a.number < b.number : a.since < b.since;
}

async function act(sluice: Sluice, method: string, path: string, body?: object): Promise<Snapshot> {
  return (await sluice.admin(method, `/api/pools/web${path}`, body)).json() as Promise<Snapshot>;
}

test("the answer of each act is a later snapshot than all before, and a watcher sees that one or a later", async () => {
  const { sluice, origin } = await stage();
  const request = get(sluice, "/");
  const { response } = await origin.arrival();
  const watcher = await watch(sluice);
  const answers = [await watcher.snapshot()];
  answers.push(await act(sluice, "POST", "/drain"));
  answers.push(await act(sluice, "POST", "/resume"));
  answers.push(await act(sluice, "PATCH", "/servers/web-1", { state: "drain" }));
  const lease = answers.at(-1)?.servers[0]?.leases[0]?.id;
  answers.push(await act(sluice, "DELETE", `/leases/${lease}`));
  for (const [index, answer] of answers.slice(1).entries())
    expect(isBefore(answers[index] as Snapshot, answer)).toBe(true);
  const last = answers.at(-1) as Snapshot;
  const seen = await watcher.snapshot(({ inFlight }) => inFlight === 0);
  expect(isBefore(seen, last)).toBe(false);
  response.end();
  await request;
});

test("what shows nothing new is the same snapshot, however often and in whichever way it is asked for", async () => {
  const { sluice } = await stage();
  const first = await act(sluice, "POST", "/drain", { expires: "1h" });
  expect(await sluice.snapshot("web")).toEqual(first);
  expect(await (await watch(sluice)).snapshot()).toEqual(first);
  expect(await sluice.snapshot("web")).toEqual(first);
});

test("a snapshot after a restart of the pool's object is later than all before it", async () => {
  const { sluice } = await stage();
  await act(sluice, "POST", "/drain");
  const before = await act(sluice, "POST", "/resume");
  await sluice.crash("web");
  expect(isBefore(before, await sluice.snapshot("web"))).toBe(true);
});
