#!/usr/bin/env node
import { existsSync } from "node:fs";

// In the package there is only what was built; in the repository it is built anew from what stands there now.
const build = new URL("../scripts/build-cli.ts", import.meta.url);
if (existsSync(build)) {
  const { buildCommand } = await import(build.href);
  const { buildRehearsalWorker } = await import(
    new URL("../scripts/build-rehearsal.ts", import.meta.url).href
  );
  await Promise.all([buildCommand(), buildRehearsalWorker()]);
}
await import("../dist/sluice.js");
