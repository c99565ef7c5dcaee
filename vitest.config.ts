import { configDefaults, defineConfig } from "vitest/config";
import { leftOut } from "./test/support/tools.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...leftOut()],
    globalSetup: ["test/support/bundle.ts"],
    // On two cores: many tests wait most of the time.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What a test waits for may take its time; by default it is given a second.
    expect: { poll: { timeout: 15_000 } },
  },
});
