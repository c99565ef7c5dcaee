import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { open } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

// Renewed as long as its holder is alive, so that nothing else takes the slot from it.
const KEYS = { client_timeout: "1h", quarantine: { max: "1ms" }, retries: 0, buffer_response: "64KiB" };

const stage = useStage({ web: { ...KEYS, slots: 1 }, short: { ...KEYS, slots: 1, longest: "1s" } });

/** An answer without end, as fast as it is taken. */
function endless(_: IncomingMessage, response: ServerResponse): void {
  const write = () => {
    while (!response.destroyed && response.write("x".repeat(65_536)));
  };
  response.on("drain", write);
  write();
}

/** A client that has its headers, and reads nothing more. */
async function openStalled(pool: string): Promise<IncomingMessage> {
  stage.origin.answer = endless;
  const headers = pool === "web" ? {} : { host: `${pool}.test` };
  return open(stage.sluice.url, { headers });
}

const endOf = (answer: IncomingMessage) =>
  new Promise((resolve) => {
    answer.resume();
    answer.once("end", () => resolve("whole")).once("error", () => resolve("broken off"));
  });

test("a cut ends a download whose client has stopped reading, and its slot is free", async () => {
  const answer = await openStalled("web");
  await stage.sluice.until("web", ({ inFlight }) => inFlight === 1);
  await stage.sluice.drain("web", { cut: "1s" });
  await stage.sluice.until("web", ({ inFlight }) => inFlight === 0);
  expect(await endOf(answer)).toBe("broken off");
}, 30_000);

test("a download whose client has stopped reading takes no longer than `longest`", async () => {
  const answer = await openStalled("short");
  await stage.sluice.until("short", ({ inFlight }) => inFlight === 1);
  await stage.sluice.until("short", ({ inFlight }) => inFlight === 0);
  expect(await endOf(answer)).toBe("broken off");
}, 30_000);
