import { afterEach, describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { Sluice } from "../support/sluice.ts";

let sluice: Sluice | undefined;
afterEach(() => sluice?.stop());

describe("a configuration that does not parse", () => {
  test.each([
    [
      "has a typo",
      { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }], qeue_timeout: "secret-1" } },
    ],
    ["is no table", "secret-2"],
    ["is empty", {}],
  ])("because it %s refuses every request with 500, details in the log only", async (_why, pools) => {
    sluice = await Sluice.start({ pools, bundle: "production" });
    for (const accept of ["*/*", "text/html"]) {
      const answer = await send(sluice.url, { path: "/x", headers: { Accept: accept } });
      expect(answer.status).toBe(500);
      const body = answer.body.toString();
      expect(body).toContain("misconfigured");
      expect(body).not.toMatch(/secret|qeue|POOLS|web| at |Error/i);
    }
    const line = await sluice.logged(({ path }) => path === "/x");
    expect(line).toMatchObject({ status: 500, code: "misconfigured", outcome: "refused", pool: null });
    expect(sluice.output.some((text) => text.includes('"problems":['))).toBe(true);
    expect((await sluice.admin("GET", "/healthz")).status).toBe(200);
  });
});
