#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

// In the package there is only what was built; in the repository it is built anew from what stands there now.
const build = new URL("../scripts/build-cli.ts", import.meta.url);
if (existsSync(build)) {
  const { nodeProblem } = await import("../scripts/node-version.js");
  const problem = nodeProblem();
  if (problem !== null) {
    console.error(`sluice: ${problem}`);
    process.exit(1);
  }
  const { buildCommand } = await import(build.href);
  const { buildRehearsalWorker, buildWorker } = await import(
    new URL("../scripts/build-worker.ts", import.meta.url).href
  );
  const dist = fileURLToPath(new URL("../dist", import.meta.url));
  const needs = (name, buildIt) => (process.argv.includes(name) ? [buildIt(dist)] : []);
  await Promise.all([
    buildCommand(),
    ...needs("serve", buildWorker),
    ...needs("rehearse", buildRehearsalWorker),
  ]);
}
await import("../dist/sluice.js");
