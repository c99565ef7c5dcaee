import { describe, expect, onTestFinished, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import type { Arrival } from "../support/origin.ts";
import { useStage } from "../support/stage.ts";
import { Deferrer } from "./support.ts";

const keys = { deferred: {}, quarantine: { broken: "1ms", max: "1ms" } };
const stage = useStage({ web: keys }, {});
const client = new Deferrer(() => stage.sluice);

/** Long before the lease runs out. */
const SOON_MS = 15_000;

/**
 * Answers, naming what was asked for. On a connection that it has used before the runtime itself sends a PUT again
 * (workerd 2026-11-17), which is not what is tested here.
 */
function answer({ request, response }: Arrival): void {
  response.setHeader("Connection", "close");
  response.end(`the answer to ${request.url}`);
}

describe("a request whose attempt has failed while its pool is out of reach", () => {
  test.for([
    ["its client", (id: string) => client.status(id)],
    ["the pool, which has restarted too,", () => stage.sluice.snapshot("web")],
  ] as const)(
    "is tried again once %s asks for it, though its object restarts before the pool has heard of that",
    async ([, wake]) => {
      const { sluice, origin } = stage;
      const id = await client.defer("/again", { method: "PUT" });
      const first = await origin.arrival();
      await sluice.losePool("web");
      first.response.destroy();
      await client.until(id, "queued");
      await sluice.crashDeferred(id);
      await sluice.findPool("web");
      await wake(id);
      answer(await origin.arrival());
      expect(await client.ended(id)).toMatchObject({ state: "answered", attempts: 2 });
      expect(String((await client.response(id)).body)).toBe("the answer to /again");
    },
  );
});

describe("the slot of a request that has ended while its pool is out of reach", () => {
  test.for([
    ["its client", (id: string) => client.status(id)],
    ["its client, who has it forgotten,", (id: string) => client.cancel(id)],
    ["the pool, which has restarted too,", () => stage.sluice.snapshot("web")],
  ] as const)(
    "is free once %s asks for it, though its object restarts before the pool has heard of the end",
    async ([, wake]) => {
      const { sluice, origin } = stage;
      const id = await client.defer("/ends");
      const arrival = await origin.arrival();
      await sluice.losePool("web");
      answer(arrival);
      await client.ended(id);
      await sluice.crashDeferred(id);
      await sluice.findPool("web");
      await wake(id);
      const free = ({ inFlight, deferred }: Snapshot) => inFlight === 0 && deferred?.running === 0;
      await sluice.until("web", free, SOON_MS);
    },
  );
});

describe("a request whose key another one has that is not accepted yet", () => {
  test("is accepted with it", async () => {
    const { sluice } = stage;
    onTestFinished(async () => void (await sluice.resume("web")));
    await sluice.drain("web");
    const keyed = () => client.defer("/keyed", { headers: { "Idempotency-Key": "k" } });
    await sluice.holdAcceptance();
    const first = keyed();
    await sluice.until("web", ({ queued }) => queued === 1);
    expect(await keyed()).toBe(await first);
    await client.cancel(await first);
  });
});
