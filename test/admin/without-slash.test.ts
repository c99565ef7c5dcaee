import { beforeEach, describe, expect, test } from "vitest";
import { type Answer, send } from "../support/client.ts";
import { ROOMY, useStage } from "../support/stage.ts";
import { BEARER } from "./support.ts";

describe("/_sluice, without the slash that is easily forgotten", () => {
  const stage = useStage();
  beforeEach(() => {
    stage.origin.answer = (request, response) => response.end(`origin saw ${request.url}`);
  });

  const asked = (path: string, method = "GET", headers = {}) =>
    send(stage.sluice.url, { method, path, headers });

  test.each([
    ["as it is", "/_sluice", "GET", {}],
    ["with a query, which is left out", "/_sluice?token=secret", "GET", {}],
    ["asked for by HEAD", "/_sluice", "HEAD", {}],
    ["with another method, which stays", "/_sluice", "POST", {}],
    ["with the token, which no server gets to see", "/_sluice", "GET", BEARER],
    ["as what a parsed address becomes", "/x/..\\_sluice", "GET", {}],
  ])("leads to the dashboard: %s", async (_, path, method, headers) => {
    const before = stage.origin.count;
    const { status, headers: answered, body } = await asked(path, method, headers);
    expect([status, answered.location, body.length]).toEqual([308, "/_sluice/", 0]);
    // ADMIN_HOST may change: no browser keeps it.
    expect(answered["cache-control"]).toBe("no-store");
    expect(stage.origin.count).toBe(before);
  });

  test.each(["/_sluices", "/_SLUICE", "/x/_sluice", "/_sluice%2f"])("%s is proxied", async (path) => {
    expect((await asked(path)).body.toString()).toBe(`origin saw ${path}`);
  });
});

describe("/_sluice with ADMIN_HOST set", () => {
  const stage = useStage(ROOMY, { adminHost: "admin.example.com" });

  const on = (Host: string): Promise<Answer> =>
    send(stage.sluice.url, { path: "/_sluice", headers: { Host } });

  test("leads to the dashboard on that host, and is proxied on any other", async () => {
    stage.origin.answer = (request, response) => response.end(`origin saw ${request.url}`);
    expect((await on("admin.example.com")).headers.location).toBe("/_sluice/");
    expect((await on("www.example.com")).body.toString()).toBe("origin saw /_sluice");
  });
});
