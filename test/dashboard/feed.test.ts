import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { eventReader, follow, type Listener } from "../../src/dashboard/page/feed.ts";
import { type Arrival, Origin } from "../support/origin.ts";

afterEach(() => vi.unstubAllGlobals());

/** The page's end of a stream; the test plays Sluice. */
async function followed() {
  const origin = await Origin.start();
  onTestFinished(() => origin.stop());
  vi.stubGlobal("location", { origin: origin.url, pathname: "/" });
  const heard: unknown[] = [];
  const listener: Listener = {
    onEvent: (name, data) => heard.push([name, data]),
    onContact: () => {},
    onLost: (problem) => heard.push(["lost", problem.status]),
  };
  const stop = follow("web", listener);
  onTestFinished(stop);
  return { origin, heard, stop };
}

function say({ response }: Arrival, text: string): void {
  if (!response.headersSent) response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write(text);
}

test("a stream that broke is taken up again where it was", async () => {
  const { origin, heard } = await followed();
  const first = await origin.arrival();
  expect(first.request.url).toBe("/api/pools/web/events");
  expect(first.request.headers).not.toHaveProperty("last-event-id");
  say(first, "id: 7\nevent: drained\ndata: {}\n\nevent: snapshot\ndata: {}\n\n");
  await expect.poll(() => heard).toHaveLength(2);
  first.response.destroy();
  const second = await origin.arrival();
  expect(second.request.headers["last-event-id"]).toBe("7");
  expect(heard).toEqual([
    ["drained", "{}"],
    ["snapshot", "{}"],
    ["lost", 0],
  ]);
});

test("a stream that ended in good order, as in a deploy, is taken up again too", async () => {
  const { origin, heard } = await followed();
  const first = await origin.arrival();
  say(first, ": still here\n\n");
  first.response.end();
  await origin.arrival();
  expect(heard).toEqual([["lost", 0]]);
});

test("a refusal is tried again", async () => {
  const { origin, heard } = await followed();
  (await origin.arrival()).response.writeHead(503).end('{"code":"pool-unavailable"}');
  await origin.arrival();
  expect(heard).toEqual([["lost", 503]]);
});

test("who is signed out is not asked for a password again and again", async () => {
  const { origin, heard } = await followed();
  (await origin.arrival()).response.writeHead(401).end("{}");
  await expect.poll(() => heard).toEqual([["lost", 401]]);
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  await vi.advanceTimersByTimeAsync(60_000);
  expect(origin.count).toBe(1);
});

test("who stops following leaves", async () => {
  const { origin, heard, stop } = await followed();
  const arrival = await origin.arrival();
  say(arrival, ": still here\n\n");
  const left = new Promise((resolve) => arrival.response.once("close", resolve));
  stop();
  await left;
  expect(heard).toEqual([]);
});

test("a network that swallows everything is noticed, and the stream begun anew", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { origin, heard } = await followed();
  const first = await origin.arrival();
  say(first, ": still here\n\n");
  // Longer than the longest silence of a living stream.
  while (heard.length === 0) {
    await vi.advanceTimersByTimeAsync(5_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(heard).toEqual([["lost", 0]]);
  await vi.advanceTimersByTimeAsync(5_000);
  await origin.arrival();
});

test("events are read however the network has cut them", () => {
  const text =
    ': still here\n\nid: 7\nevent: drained\ndata: {"id":7}\n\nevent: snapshot\ndata: {}\n\nid: 8\n';
  for (let size = 1; size <= text.length; size++) {
    const heard: unknown[] = [];
    const read = eventReader((...event) => heard.push(event));
    for (let start = 0; start < text.length; start += size) read(text.slice(start, start + size));
    expect(heard).toEqual([
      ["drained", '{"id":7}', "7"],
      ["snapshot", "{}", null],
    ]);
  }
});
