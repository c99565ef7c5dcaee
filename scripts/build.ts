/** Builds all that the package has and the repository has not. npm runs it before it packs, and for a git URL. */
import { join } from "node:path";
import { buildCommand } from "./build-cli.ts";
import { buildSchema } from "./build-schema.ts";
import { buildRehearsalWorker, buildWorker } from "./build-worker.ts";
import { ROOT } from "./manifest.ts";

const DIST = join(ROOT, "dist");

await Promise.all([buildCommand(DIST), buildWorker(DIST), buildRehearsalWorker(DIST), buildSchema(DIST)]);
