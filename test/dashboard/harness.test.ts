import { expect, onTestFinished, test } from "vitest";
import { createTestHarness } from "wrangler";
import { TOKEN } from "../support/sluice.ts";

const CONFIG = {
  configPath: `${import.meta.dirname}/../../wrangler.toml`,
  // Overrides a developer's .dev.vars.
  secrets: { ADMIN_TOKEN: TOKEN },
};

test("the page is part of what wrangler makes of wrangler.toml as it is shipped", async () => {
  const harness = createTestHarness({ workers: [CONFIG] });
  onTestFinished(() => harness.close());
  await harness.listen();
  const headers = { Authorization: `Bearer ${TOKEN}` };
  const page = await harness.fetch("/_sluice/", { headers });
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<!doctype html>")]);
  const script = await harness.fetch("/_sluice/assets/page.js", { headers });
  expect([script.status, await script.text()]).toEqual([
    200,
    expect.stringContaining("The connection to Sluice is lost"),
  ]);
});
