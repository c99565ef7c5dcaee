import { describe, expect, test } from "vitest";
import type { Sluice } from "../support/sluice.ts";
import { get, problemOf, stage } from "./support.ts";

function free(sluice: Sluice, lease: string): Promise<Response> {
  return sluice.admin("DELETE", `/api/pools/web/leases/${encodeURIComponent(lease)}`);
}

async function onlyLease(sluice: Sluice): Promise<string> {
  const { servers } = await sluice.until("web", ({ inFlight }) => inFlight === 1);
  return servers[0]?.leases[0]?.id ?? "";
}

/** One that is over within its first second is answered; else its Worker learns that it has no slot any more. */
const ANSWERED_OR_CUT_OFF = /^(200 f|504 .*"cut-off")/;

describe("freeing a lease by hand", () => {
  test("lets the next request go at once; the end of the one that had it frees nothing", async () => {
    const { sluice, origin } = await stage();
    const requests = [get(sluice, "/1")];
    const first = await origin.arrival();
    for (const [nth, path] of ["/2", "/3"].entries()) {
      requests.push(get(sluice, path));
      await sluice.until("web", ({ queued }) => queued === nth + 1);
    }
    const freed = await free(sluice, await onlyLease(sluice));
    expect([freed.status, await freed.json()]).toMatchObject([200, { name: "web", inFlight: 1, queued: 1 }]);
    const second = await origin.arrival();
    // The holder ends its freed lease, which must not free the slot of the next one.
    first.response.end("first");
    expect(await requests[0]).toMatch(ANSWERED_OR_CUT_OFF);
    expect(await sluice.snapshot("web")).toMatchObject({ inFlight: 1, queued: 1 });
    expect(origin.count).toBe(2);
    second.response.end("second");
    (await origin.arrival()).response.end("third");
    expect(await Promise.all(requests.slice(1))).toEqual(["200 second", "200 third"]);
  });

  test("means the request that has it, where the lease was passed on: by the name of one before it, nothing is freed", async () => {
    const { sluice, origin } = await stage();
    const requests = ["/1", "/2", "/3", "/4"].map((path) => get(sluice, path));
    const answer = async () => (await origin.arrival()).response.end("served");
    await answer();
    await sluice.until("web", ({ totals }) => totals.completed === 1);
    const name = await onlyLease(sluice);
    await answer();
    await sluice.until("web", ({ totals }) => totals.passedOn === 1);
    const third = await origin.arrival();
    const passedOn = await onlyLease(sluice);
    expect(passedOn).toBe(`${name}.1`);
    expect((await free(sluice, name)).status).toBe(404);
    expect((await free(sluice, passedOn)).status).toBe(200);
    await answer();
    third.response.end("third");
    const answers = await Promise.all(requests);
    expect(answers.filter((one) => one === "200 served").length).toBe(3);
    expect(answers.filter((one) => one !== "200 served")[0]).toMatch(/504|200 third/);
  });

  test("ends a quarantine", async () => {
    const { sluice, origin } = await stage({ server_timeout: "30ms", quarantine: { max: "1h" } });
    expect(await get(sluice, "/silent")).toContain("504");
    await origin.arrival();
    await sluice.until("web", ({ quarantined }) => quarantined === 1);
    const freed = await free(sluice, await onlyLease(sluice));
    expect([freed.status, await freed.json()]).toMatchObject([200, { inFlight: 0, quarantined: 0 }]);
    const next = get(sluice, "/next");
    (await origin.arrival()).response.end("served");
    expect(await next).toBe("200 served");
  });

  test("ends a drain's wait", async () => {
    const { sluice, origin } = await stage();
    const request = get(sluice, "/");
    const { response } = await origin.arrival();
    const waiting = sluice.drain("web", { wait: "10m" });
    await sluice.until("web", ({ state }) => state === "draining");
    await free(sluice, await onlyLease(sluice));
    expect((await waiting).status).toBe(200);
    response.end();
    await request;
  });

  test("stays so through a crash of the pool's object", async () => {
    const { sluice, origin } = await stage();
    const request = get(sluice, "/1");
    const { response } = await origin.arrival();
    const lease = await onlyLease(sluice);
    await sluice.crash("web");
    // Its request has said within a second that it is its own.
    await sluice.until("web", ({ servers }) => servers[0]?.leases[0]?.id === lease);
    expect((await free(sluice, lease)).status).toBe(200);
    await sluice.crash("web");
    expect(await sluice.snapshot("web")).toMatchObject({ inFlight: 0 });
    response.end("finished");
    expect(await request).toMatch(ANSWERED_OR_CUT_OFF);
  });

  test("that has ended, or was freed before, is a 404", async () => {
    const { sluice, origin } = await stage();
    const request = get(sluice, "/");
    const { response } = await origin.arrival();
    const lease = await onlyLease(sluice);
    expect((await free(sluice, lease)).status).toBe(200);
    await problemOf(await free(sluice, lease), 404, "unknown-lease");
    response.end();
    await request;
    await problemOf(await free(sluice, lease), 404, "unknown-lease");
  });

  test.each(["unknown", "__proto__", "web-1", "a/b", "☂"])(
    "that never was is a 404 and harms nobody: %s",
    async (lease) => {
      const { sluice, origin } = await stage();
      const request = get(sluice, "/");
      const { response } = await origin.arrival();
      await problemOf(await free(sluice, lease), 404, "unknown-lease");
      expect(await sluice.snapshot("web")).toMatchObject({ inFlight: 1 });
      response.end("served");
      expect(await request).toBe("200 served");
    },
  );
});
