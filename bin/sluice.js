#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

// In the package there is only what was built; in the repository it is built anew from what stands there now.
const build = new URL("../scripts/build-cli.ts", import.meta.url);
if (existsSync(build)) {
  const { buildCommand } = await import(build.href);
  await buildCommand();
  if (process.argv.includes("serve")) {
    const { buildWorker } = await import(new URL("../scripts/build-worker.ts", import.meta.url).href);
    await buildWorker(fileURLToPath(new URL("../dist", import.meta.url)));
  }
}
await import("../dist/sluice.js");
