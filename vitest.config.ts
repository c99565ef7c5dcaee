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
  },
});
