/**
 * Builds all that the package has and the repository has not, and nothing else stays in its folder, which is packed whole.
 * npm runs it before it packs, and for a git URL.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildCommand } from "./build-cli.ts";
import { buildSchema } from "./build-schema.ts";
import { buildRehearsalWorker, buildWorker } from "./build-worker.ts";
import { ROOT } from "./manifest.ts";
import { isDraft } from "./put.ts";

const DIST = join(ROOT, "dist");

const builds = [buildCommand(DIST), buildWorker(DIST), buildRehearsalWorker(DIST), buildSchema(DIST)];
const built = (await Promise.all(builds)).flat();
const others = (await readdir(DIST)).filter((name) => !built.includes(name) && !isDraft(name));
await Promise.all(others.map((name) => rm(join(DIST, name), { recursive: true, force: true })));
