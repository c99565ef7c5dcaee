import { tmpdir } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";
import { apart } from "./test/support/apart.ts";
import { leftOut } from "./test/support/tools.ts";

/** Judges by times what it does to a whole machine: beside other tests it would judge those. */
const ALONE = ["test/chaos/chaos.test.ts"];

/** What the Worker imports as text is text here too. */
const TEXTS = {
  name: "texts",
  transform: (content: string, file: string) =>
    /\.(text|script\.js)$/.test(file) ? `export default ${JSON.stringify(content)};` : null,
};

/** Each has a process of its own. */
const APART = apart();

const LEFT_OUT = [...configDefaults.exclude, ...leftOut()];

export default defineConfig({
  plugins: [TEXTS],
  test: {
    globalSetup: ["test/support/temporary.ts", "test/support/bundle.ts"],
    // On two cores, which six keep busy: many tests wait most of the time.
    maxWorkers: 6,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What a test waits for may take its time; by default it is given a second.
    expect: { poll: { timeout: 15_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["test/**/*.test.ts"],
          exclude: [...LEFT_OUT, ...APART, ...ALONE],
          // A process and what it has loaded serve many files: on average 0.2 s of CPU a file less.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "apart",
          include: APART,
          exclude: LEFT_OUT,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: ALONE,
          // It also tries kills while a disk is at work.
          env: { TMPDIR: tmpdir() },
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
