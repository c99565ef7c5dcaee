/**
 * The repository is TypeScript that Node runs as it stands. An older Node, as it is there after
 * `npm ci --ignore-scripts`, would say "Unknown file extension" only. Plain JavaScript, which every Node runs.
 */
import { argv, versions } from "node:process";
import { fileURLToPath } from "node:url";

/** From 24.2 on there is `import.meta.main` too. */
const [MAJOR, MINOR] = [24, 2];

/** What is missing; `null`: nothing. */
export function nodeProblem(version = versions.node) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > MAJOR || (major === MAJOR && minor >= MINOR)) return null;
  return (
    `This is Node ${version}, and the repository needs ${MAJOR}.${MINOR} or newer to run its TypeScript. \`npm ci\` ` +
    "brings one along, unless it is told to ignore scripts: `npm rebuild node` makes up for that, or put a newer Node " +
    "first on your PATH. (What `npm pack` makes of the repository runs with Node 20.)"
  );
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const problem = nodeProblem();
  if (problem !== null) {
    console.error(problem);
    process.exitCode = 1;
  }
}
