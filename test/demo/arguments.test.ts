import { expect, test } from "vitest";
import { readArguments } from "../../demo/arguments.ts";

test("without arguments the demo is on port 8787 and stays up", () => {
  expect(readArguments([])).toEqual({ port: 8787, once: false });
});

test("--port and --once are understood", () => {
  expect(readArguments(["--once", "--port", "9000"])).toEqual({ port: 9000, once: true });
  expect(readArguments(["--port=9000"])).toEqual({ port: 9000, once: false });
});

test.each([["--prot", "9000"], ["once"], ["--port"], ["--once=yes"]])(
  "%s %s is not understood",
  (...argv) => {
    expect(readArguments(argv.filter((argument) => argument !== undefined))).toBeNull();
  },
);

test.each(["0", "65536", "80a", "-1", "1e3", ""])("'%s' is not a port", (port) => {
  expect(readArguments([`--port=${port}`])).toBeNull();
});
