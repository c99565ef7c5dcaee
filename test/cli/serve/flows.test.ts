import { expect, test } from "vitest";
import { type Call, send } from "../../support/client.ts";
import { Fleet, Project } from "./support.ts";

/** Sends these one after the other to a drained pool, and resumes it once all wait. */
async function serveTogether(calls: Call[], ...args: string[]) {
  const fleet = await Fleet.start(1, 10);
  const served = await (await Project.make({ web: { servers: fleet.list, flow: "address" } })).serve(...args);
  await served.admin("/drain", {});
  const answers: ReturnType<typeof send>[] = [];
  for (const call of calls) {
    answers.push(send(served.url, call));
    await served.until(({ queued }) => queued === answers.length);
  }
  await served.admin("/resume", {});
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses).toEqual(calls.map(() => 200));
  await served.until(({ totals }) => totals.completed === calls.length);
  return { order: fleet.served, flows: new Set(served.log.map(({ flow }) => flow)) };
}

const from = (address: string, path: string): Call => ({ path, headers: { "X-Forwarded-For": address } });

test("`sluice serve --behind-proxy` lets no address wait behind another's requests", async () => {
  const many = Array.from({ length: 5 }, (_, n) => from("192.0.2.7", `/${n}`));
  const { order, flows } = await serveTogether([...many, from("192.0.2.8", "/other")], "--behind-proxy");
  expect(order.indexOf("/other")).toBe(1);
  expect(order.filter((path) => path !== "/other")).toEqual(many.map(({ path }) => path));
  expect(flows.size).toBe(2);
});

test("behind `sluice serve` nobody is another client by saying so", async () => {
  const forged = Array.from({ length: 5 }, (_, n) => {
    const headers = { "CF-Connecting-IP": `203.0.113.${n}`, "X-Forwarded-For": `203.0.113.${n}` };
    return { path: `/${n}`, headers };
  });
  const { order, flows } = await serveTogether(forged);
  expect(order).toEqual(forged.map(({ path }) => path));
  expect([...flows]).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
});
