import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { send } from "../../support/client.ts";
import { Project } from "./support.ts";

const DOWN = [{ name: "web-1", url: "http://127.0.0.1:9" }];
const pages = { "bad-gateway": { html: "PAGE_DOWN", json: "PROBLEM_DOWN" } };
const POOLS = { web: { servers: DOWN, retries: 0, pages } };

const projectWith = (vars: object) => Project.make(POOLS, { vars: { POOLS, ...vars } });
const PAGE_DOWN = "<h1>{{pool}} is away</h1>";

/** What it says when it does not start. */
async function refusalOf(project: Project): Promise<string> {
  const run = project.run("--listen", "127.0.0.1:0");
  expect(await run.code).toBe(1);
  return run.stderr + run.stdout;
}

test("sluice serve refuses with the pages of the file", async () => {
  const project = await projectWith({ PAGE_DOWN, PROBLEM_DOWN: '{ "title": "Away" }' });
  const served = await project.serve();
  const page = await send(served.url, { headers: { Accept: "text/html" } });
  expect([page.status, String(page.body)]).toEqual([502, "<h1>web is away</h1>"]);
  const problem = await send(served.url);
  expect(JSON.parse(String(problem.body))).toMatchObject({ code: "bad-gateway", title: "Away", pool: "web" });
});

test("sluice serve does not start with a page that is missing, or that .dev.vars makes none", async () => {
  const missing = await projectWith({ PAGE_DOWN });
  expect(await refusalOf(missing)).toContain('there is no variable "PROBLEM_DOWN"');
  const broken = await projectWith({ PAGE_DOWN, PROBLEM_DOWN: "{}" });
  await writeFile(join(broken.path, ".dev.vars"), "PROBLEM_DOWN=away\n");
  expect(await refusalOf(broken)).toContain(
    'POOLS.web.pages.bad-gateway: the variable "PROBLEM_DOWN" is not a JSON object',
  );
});
