import { configDefaults, defineConfig } from "vitest/config";
import { leftOut } from "./test/support/tools.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...leftOut()],
    globalSetup: ["test/support/bundle.ts"],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
