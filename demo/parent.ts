const LOOK_EVERY_MS = 250;

/**
 * Calls `end` when the shell has ended by which npm runs this process. npm passes SIGTERM on to that shell alone, and dash,
 * Debian's, ends without a word to its children (npm 11.19, dash 0.5.12, seen 2026-11-26).
 */
export function onParentGone(end: () => void): void {
  if (process.env.npm_lifecycle_event !== "start") return;
  const parent = process.ppid;
  const looking = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(looking);
    end();
  }, LOOK_EVERY_MS);
  looking.unref();
}
