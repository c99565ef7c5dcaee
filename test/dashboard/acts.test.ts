import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Origin } from "../support/origin.ts";
import { Relay } from "../support/relay.ts";
import { Sluice } from "../support/sluice.ts";
import { visit } from "./browser.ts";
import { startBrowser } from "./chromium.ts";
import { contradictions, watchFrames } from "./frames.ts";
import { outcome, press, sees } from "./stage.ts";

const API = "/_sluice/api/pools/web";
const EVENTS = `GET ${API}/events`;

let browser: Browser;
let origins: Origin[];
let sluice: Sluice;
let network: Relay;
beforeAll(async () => {
  [browser, ...origins] = await Promise.all([startBrowser(), Origin.start(), Origin.start()]);
  const servers = origins.map(({ url }, index) => ({ name: `web-${index + 1}`, url }));
  const reports = { hosts: ["reports.test"], servers: [{ name: "reports-1", url: "http://127.0.0.1:9" }] };
  sluice = await Sluice.start({ pools: { web: { servers, balance: "first" }, reports } });
  network = await Relay.start(sluice.url);
});
afterAll(async () => {
  await network?.cut();
  await sluice?.stop();
  for (const origin of origins ?? []) await origin.stop();
  await browser?.close();
});
afterEach(async () => {
  network.release();
  for (const origin of origins) origin.reset();
  await sluice.resume("web", { force: true });
  for (const server of ["web-1", "web-2"]) await setServer(server, "ready");
});

function setServer(server: string, state: string): Promise<Response> {
  return sluice.admin("PATCH", `/api/pools/web/servers/${server}`, { state });
}

async function open(path = "#/web"): Promise<Page> {
  const { page } = await visit(browser, network.url, path);
  await sees(page, "#connection", "Live");
  return page;
}

/** A request that web-1 is busy with until `end` is called. */
async function busy(): Promise<{ end: () => Promise<void> }> {
  const request = fetch(`${sluice.url}/query`);
  const { response } = await (origins[0] as Origin).arrival();
  return {
    end: async () => {
      response.end("done");
      await request;
    },
  };
}

const noDialog = (page: Page) => page.locator("dialog").isHidden();
const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id);

describe("the answer of an act", () => {
  test("is shown at once: banner and page agree in each frame, though the stream is late", async () => {
    const page = await open();
    const frames = await watchFrames(page);
    network.hold(EVENTS);
    await press(page, "Drain…");
    await press(page, "Drain");
    await outcome(page, "web takes no more requests to its servers: drained.");
    await expect.poll(() => network.kept).toContain('"state":"drained"');
    await press(page, "Resume");
    await outcome(page, "web is running again.");
    // What the stream says first is from before.
    network.release();
    await sees(page, "#events li", "Running again");
    expect(contradictions(await frames())).toEqual([]);
    const states = (await frames()).map(({ state }) => state);
    expect(states.filter((state, index) => state !== states[index - 1])).toEqual([
      "Running",
      "Drained",
      "Running",
    ]);
  });

  test("agrees with the page for a server and a slot too", async () => {
    const page = await open();
    const request = await busy();
    await sees(page, ".cell", /web-1 busy/);
    network.hold(EVENTS);
    await page.locator(".cell", { hasText: "web-1" }).click();
    await page.getByLabel("Type “web-1” to free it all the same").fill("web-1");
    await press(page, "Free the slot");
    await outcome(page, "The slot of web-1 is free.");
    expect(await page.locator(".cell").first().textContent()).toBe("web-1 idle");
    await press(page, "Change… web-1");
    await page.getByLabel("Maintenance").check();
    await press(page, "Change");
    await outcome(page, "web-1 is set to maintenance.");
    expect(await page.locator(".server").first().textContent()).toContain("maintenance");
    await request.end();
  });
});

describe("a notice", () => {
  test("turns into what is true, and goes when somebody else has ended that", async () => {
    const page = await open();
    const request = await busy();
    await press(page, "Drain…");
    await press(page, "Drain");
    await outcome(page, "web takes no more requests to its servers: draining, 1 slot still in flight.");
    const frames = await watchFrames(page);
    await request.end();
    await outcome(page, "web takes no more requests to its servers: drained.");
    await sluice.resume("web");
    await sees(page, "#state", "Running");
    await page.locator("#outcome").waitFor({ state: "hidden" });
    expect(contradictions(await frames())).toEqual([]);
  });

  test("goes with a drain that has ended by itself", async () => {
    const page = await open();
    await press(page, "Drain…");
    await page.getByLabel("Ends by itself after").fill("2s");
    await press(page, "Drain");
    await outcome(page, "web takes no more requests");
    await sees(page, "#state", "Running");
    expect(await page.locator("#outcome").isHidden()).toBe(true);
  });

  test("stays with its pool: another one does not show it, and coming back does, if it is still true", async () => {
    const page = await open();
    await press(page, "Drain…");
    await press(page, "Drain");
    await outcome(page, "web takes no more requests");
    await page.getByRole("link", { name: "reports" }).click();
    await sees(page, "#pool-title", "reports");
    expect(await page.locator("#outcome").isHidden()).toBe(true);
    await page.goto(`${network.url}/_sluice/#/`);
    await sees(page, "#overview-title", "Pools");
    expect(await page.locator("#outcome").isHidden()).toBe(true);
    await page.goto(`${network.url}/_sluice/#/web`);
    await outcome(page, "web takes no more requests");
    await page.goto(`${network.url}/_sluice/#/`);
    await sluice.resume("web");
    await sees(page, ".card", /^web\s*Running/);
    await sluice.drain("web");
    await sees(page, ".card", /^web\s*Drained/);
    await page.goto(`${network.url}/_sluice/#/web`);
    await sees(page, "#state", "Drained");
    // It was untrue for a while, and this drain is another one.
    expect(await page.locator("#outcome").isHidden()).toBe(true);
  });

  test("of an act that was refused goes once the pool is another than it was refused by", async () => {
    const page = await open();
    await setServer("web-1", "maint");
    await sees(page, ".server", "maintenance");
    network.hold(EVENTS);
    await setServer("web-1", "drain");
    await press(page, "Set ready web-1");
    await outcome(
      page,
      'Setting web-1 to ready: The server is in another state: The server web-1 is in state "drain".',
    );
    // What it was refused by is on the page in the same moment.
    expect(await page.locator(".server").first().textContent()).toContain("drain for");
    network.release();
    await setServer("web-1", "ready");
    await page.locator("#outcome").waitFor({ state: "hidden" });
  });
});

describe("under the pointer", () => {
  test("nothing moves with an act, its notice, what to do next, or a lost connection", async () => {
    const page = await open();
    const request = await busy();
    await sees(page, ".cell", /web-1 busy/);
    const watched = ["#act-drain", "#act-extend", "#act-resume", ".cell", ".server .acts"];
    const frames = await watchFrames(page, watched);
    await press(page, "Drain…");
    await press(page, "Drain");
    await outcome(page, "web takes no more requests");
    await sees(page, ".cell", /web-1 draining \d+/);
    await request.end();
    await sees(page, "#advice", "now is the time for the deploy");
    await press(page, "Resume");
    await outcome(page, "web is running again.");
    await network.cut();
    await sees(page, "#lost", "The connection to Sluice is lost");
    await network.mend();
    await sees(page, "#connection", "Live");
    const places = (await frames()).map((frame) => JSON.stringify(frame.places));
    expect([...new Set(places)]).toEqual(places.slice(0, 1));
  });

  test("an act never stands where another one stood", async () => {
    const page = await open();
    const left = async (id: string) => (await page.locator(`#${id}`).boundingBox()) ?? { x: 0, width: 0 };
    const [drain, extend, resume] = await Promise.all(["act-drain", "act-extend", "act-resume"].map(left));
    expect(extend?.x).toBeGreaterThanOrEqual((drain?.x ?? 0) + (drain?.width ?? 0));
    expect(resume?.x).toBeGreaterThanOrEqual((extend?.x ?? 0) + (extend?.width ?? 0));
  });

  test("the second click of a double click, and a key that is held, do nothing", async () => {
    const page = await open();
    await page.setViewportSize({ width: 360, height: 740 });
    await page.locator("#act-drain").dblclick();
    await sees(page, "dialog", "Drain web?");
    await page.getByRole("button", { name: "Drain", exact: true }).dblclick();
    await outcome(page, "web takes no more requests");
    await page.locator("#act-resume").focus();
    await page.keyboard.down("Enter");
    await outcome(page, "web is running again.");
    await page.locator("#act-drain").focus();
    await page.keyboard.down("Enter");
    expect(await noDialog(page)).toBe(true);
    await page.keyboard.up("Enter");
    await page.keyboard.down("Enter");
    await sees(page, "dialog", "Drain web?");
    await page.keyboard.down("Enter");
    await page.keyboard.up("Enter");
    expect(await page.locator("dialog").isVisible()).toBe(true);
    expect(await sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
  });
});

describe("the second thought", () => {
  test("is not asked for what restores: one's own drain ends, and a server is ready, at once", async () => {
    const page = await open();
    await sluice.drain("web");
    await setServer("web-2", "maint");
    await press(page, "Set ready web-2");
    await sees(page, "#outcome", "web-2 is set to ready.");
    expect(await noDialog(page)).toBe(true);
    await press(page, "Resume");
    await sees(page, "#outcome", "web is running again.");
    expect(await noDialog(page)).toBe(true);
    expect(await sluice.snapshot("web")).toMatchObject({
      state: "running",
      servers: [{}, { state: "ready" }],
    });
  });

  test("says so where it is about the last server in use", async () => {
    const page = await open();
    await setServer("web-2", "maint");
    await sees(page, ".server", "maintenance");
    await press(page, "Change… web-1");
    expect(await page.locator("dialog .warning").isHidden()).toBe(true);
    await page.getByLabel("Drain", { exact: false }).check();
    await sees(
      page,
      "dialog .warning",
      "web-1 is the last server in use: without it no request of web is served.",
    );
    // It is no longer the last one, and the dialog does not go on saying so.
    await setServer("web-2", "ready");
    await page.locator("dialog .warning").waitFor({ state: "hidden" });
    await press(page, "Change");
    await outcome(page, "web-1 is set to drain.");
  });

  test("asks for the server's name before a slot is freed that a healthy server is busy with", async () => {
    const page = await open();
    const request = await busy();
    await sees(page, ".cell", /web-1 busy/);
    await page.locator(".cell", { hasText: "web-1" }).click();
    await sees(page, "dialog", /web-1 has not finished this request\./);
    await press(page, "Free the slot");
    await sees(page, "dialog .wrong", "That is not “web-1”.");
    await page.keyboard.type("web-2");
    await page.keyboard.press("Enter");
    await sees(page, "dialog .wrong", "That is not “web-1”.");
    expect((await sluice.snapshot("web")).inFlight).toBe(1);
    await page.getByLabel("Type “web-1” to free it all the same").fill("web-1");
    await page.keyboard.press("Enter");
    await outcome(page, "The slot of web-1 is free.");
    expect((await sluice.snapshot("web")).inFlight).toBe(0);
    await request.end();
  });
});

describe("an act that stalls", () => {
  test("says what it waits for, may be left alone, and is told of when its answer comes", async () => {
    const page = await open();
    network.hold(`POST ${API}/drain`);
    await press(page, "Drain…");
    await press(page, "Drain");
    await sees(page, "#dialog-wait", /Draining web: waiting for the pool’s answer, \d+ s…/);
    // The stream brings the drain before the answer: the question is not taken for an idle one.
    await sees(page, "#state", "Drained");
    expect(await page.locator("#dialog-wait").textContent()).toMatch(/waiting for the pool’s answer/);
    await press(page, "Cancel");
    await outcome(page, /Draining web: waiting for the pool’s answer, \d+ s…/);
    network.release();
    await outcome(page, "web takes no more requests to its servers: drained.");

    network.hold(`POST ${API}/resume`);
    await press(page, "Resume");
    await outcome(page, /Resuming web: waiting for the pool’s answer, \d+ s…/);
    network.release();
    await outcome(page, "web is running again.");
  });

  test("says at last what may have happened, and the page shows it", async () => {
    const page = await open();
    // The page waits for fifteen seconds.
    page.setDefaultTimeout(40_000);
    network.hold("");
    await press(page, "Drain…");
    await press(page, "Drain");
    await sees(
      page,
      "#dialog-problem",
      "Sluice has not answered in time. It may have arrived all the same; the page will show it.",
    );
    network.release();
    await outcome(page, "web takes no more requests to its servers: drained.");
    await sees(page, "#state", "Drained");
  });
});

describe("what is wrong with a field", () => {
  /** The text that a screen reader reads with the field. */
  const described = (page: Page) =>
    page.evaluate(() => {
      const id = document.activeElement?.getAttribute("aria-describedby") ?? "";
      return [document.activeElement?.getAttribute("aria-invalid"), document.getElementById(id)?.textContent];
    });

  test("is said at the field, which gets the focus, and is gone once it is changed", async () => {
    const page = await open();
    await press(page, "Drain…");
    await page.getByLabel("Ends by itself after").fill("soon");
    await page.getByLabel("Reason").focus();
    await page.keyboard.press("Enter");
    await sees(page, "dialog .wrong", "“soon” is no time.");
    expect(await described(page)).toEqual(["true", "“soon” is no time. Write it like 15m or 2h."]);
    await page.keyboard.type("er");
    expect(await described(page)).toEqual([
      null,
      "For example 15m or 2h. Empty: as the pool’s configuration says.",
    ]);
    await page.getByLabel("Ends by itself after").fill("25h");
    await page.keyboard.press("Enter");
    expect(await described(page)).toEqual(["true", "“25h” is too long: a drain ends at most 24 h from now."]);
    expect(await page.locator("#dialog-problem").textContent()).toBe("");
  });

  test("that only Sluice knows is said there too, and not in words of the API", async () => {
    const page = await open();
    const detail = 'body.expires: "2h" is more than this pool allows; allowed: at most "1h"';
    await page.route("**/drain", (route) =>
      route.fulfill({
        status: 400,
        json: { code: "invalid-request", title: "The request is not valid", detail },
      }),
    );
    await press(page, "Drain…");
    await page.getByLabel("Ends by itself after").fill("2h");
    await press(page, "Drain");
    await sees(page, "dialog .wrong", /^"2h" is more than this pool allows; allowed: at most "1h"\.$/);
    expect((await described(page))[0]).toBe("true");
    expect(await page.locator("dialog").textContent()).not.toContain("body.");
  });
});

describe("two tabs", () => {
  test("an act in one shows in the other, whose question says that it is no longer one, and does no harm", async () => {
    const [page, other] = await Promise.all([open(), open()]);
    await press(other, "Drain…");
    await press(page, "Drain…");
    await page.getByLabel("Reason").fill("release 42");
    await press(page, "Drain");
    await outcome(page, "web takes no more requests");
    await sees(other, "#state", "Drained");
    await sees(other, "#dialog-wait", /It is drained already: “admin” holds it since .* \(release 42\)\./);
    await other.getByLabel("Reason").fill("another");
    await other.keyboard.press("Enter");
    expect((await sluice.snapshot("web")).drain).toMatchObject({ reason: "release 42" });
    await press(other, "Cancel");

    await press(other, "Extend…");
    await press(page, "Resume");
    await sees(other, "#dialog-wait", "The drain of web is over: there is nothing to extend.");
    await other.keyboard.press("Enter");
    expect(await sluice.snapshot("web")).toMatchObject({ state: "running", drain: null });
    await press(other, "Cancel");

    await press(other, "Change… web-1");
    await press(page, "Change… web-1");
    await page.getByLabel("Maintenance").check();
    await press(page, "Change");
    await sees(other, "#dialog-wait", "web-1 was set to maintenance meanwhile.");
  });

  test("a request that ends under a question about its slot leaves nothing to free", async () => {
    const page = await open();
    const request = await busy();
    await sees(page, ".cell", /web-1 busy/);
    await page.locator(".cell", { hasText: "web-1" }).click();
    await request.end();
    await sees(page, "#dialog-wait", "That request is over, and its slot is free already.");
    await press(page, "Cancel");
    expect(await focused(page)).toBe("");
    expect(await page.evaluate(() => document.activeElement?.className)).toBe("cell");
  });
});

test("by keyboard alone everything is done, and the focus is where one goes on", async () => {
  const page = await open();
  const { keyboard } = page;
  const tabTo = async (name: string) => {
    for (let n = 0; n < 60 && (await focused(page)) !== name; n++) await keyboard.press("Tab");
    expect(await focused(page)).toBe(name);
  };
  // Drains, with a reason and an end.
  await tabTo("act-drain");
  await keyboard.press("Enter");
  await keyboard.type("by hand");
  await keyboard.press("Tab");
  await keyboard.type("10m");
  await keyboard.press("Enter");
  await outcome(page, "web takes no more requests");
  expect((await sluice.snapshot("web")).drain).toMatchObject({ owner: "admin", reason: "by hand" });
  expect(await focused(page)).toBe("pool-title");

  // Extends: the button is still there afterwards.
  await tabTo("act-extend");
  await keyboard.press("Enter");
  await keyboard.type("20m");
  await keyboard.press("Enter");
  await outcome(page, "The drain of web now ends at");
  expect(await focused(page)).toBe("act-extend");
  await tabTo("act-resume");
  await keyboard.press("Enter");
  await outcome(page, "web is running again.");
  expect(await focused(page)).toBe("pool-title");

  // Takes a server out, from the choice that is checked, and back.
  await tabTo("Change… web-2");
  await keyboard.press("Enter");
  expect(
    await page.getByLabel("Ready (as it is now)").evaluate((one) => one === document.activeElement),
  ).toBe(true);
  await keyboard.press("ArrowDown");
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await outcome(page, "web-2 is set to maintenance.");
  expect(await focused(page)).toBe("Change… web-2");
  await keyboard.press("Shift+Tab");
  expect(await focused(page)).toBe("Set ready web-2");
  await keyboard.press("Enter");
  await outcome(page, "web-2 is set to ready.");
  expect(await focused(page)).toBe("Change… web-2");

  // Frees a slot, and reads the notice away.
  const request = await busy();
  await sees(page, ".cell", /web-1 busy/);
  await page.locator(".cell").first().focus();
  await keyboard.press("Enter");
  await keyboard.type("web-1");
  await keyboard.press("Enter");
  await outcome(page, "The slot of web-1 is free.");
  await request.end();
  await page.locator("#outcome-seen").focus();
  await keyboard.press("Enter");
  await page.locator("#outcome").waitFor({ state: "hidden" });
  expect(await focused(page)).toBe("main");
});
