import { expect, onTestFinished, test } from "vitest";
import { startBrowser } from "../../dashboard/chromium.ts";
import { send } from "../../support/client.ts";
import { Origin } from "../../support/origin.ts";
import { Project } from "./support.ts";

/** A page that waits behind somebody, and lets its test answer both. */
async function wait(vars: object = {}) {
  const origin = await Origin.start();
  onTestFinished(() => origin.stop());
  const servers = [{ name: "web-1", url: origin.url }];
  const POOLS = { web: { servers, waiting_page: "1s", deferred: {} } };
  const project = await Project.make(POOLS, { vars: { POOLS, ...vars } });
  const served = await project.serve();
  onTestFinished(async () => void (await served.stop()));
  const browser = await startBrowser();
  onTestFinished(() => browser.close());
  const slow = send(served.url, { path: "/slow" });
  const { response } = await origin.arrival();
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${served.url}/shop/`);
  const answer = async () => {
    response.end();
    await slow;
    const { response: next } = await origin.arrival();
    next.writeHead(200, { "Content-Type": "text/html" }).end("<h1>Here it is</h1>");
    await page.getByRole("heading", { name: "Here it is" }).waitFor();
    expect(page.url()).toBe(`${served.url}/shop/`);
  };
  return { page, served, answer };
}

test("behind `sluice serve` a visitor's page keeps its place, and frees it when it is closed", async () => {
  const { page, served, answer } = await wait();
  expect(await page.title()).toBe("Place 1 in line");
  const other = await page.context().newPage();
  await other.goto(`${served.url}/other`);
  expect(await other.title()).toBe("Place 2 in line");
  await other.close();
  await served.until(({ queued }) => queued === 1);
  await answer();
});

test("a page that waits outlasts a restart of `sluice serve`", async () => {
  const origin = await Origin.start((_request, response) => response.end("after the restart"));
  onTestFinished(() => origin.stop());
  const servers = [{ name: "web-1", url: origin.url }];
  const project = await Project.make({ web: { servers, waiting_page: "1s", deferred: {} } });
  const first = await project.serve();
  const browser = await startBrowser();
  onTestFinished(() => browser.close());
  await first.admin("/drain", {});
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${first.url}/shop/`);
  expect(await page.title()).toBe("Place 1 in line");
  await first.stop();
  const second = await project.serve();
  expect((await second.snapshot()).queued).toBe(1);
  await second.admin("/resume", {});
  await page.getByText("after the restart").waitFor();
});

test("behind `sluice serve` an own page of the file is shown, and reloads itself", async () => {
  const { page, answer } = await wait({ WAITING_PAGE: "<title>{{pool}}</title><h1>Platz {{place}}</h1>" });
  expect(await page.title()).toBe("web");
  await page.getByRole("heading", { name: "Platz 1" }).waitFor();
  await answer();
});
