/** The first file descriptor that systemd passes, sd_listen_fds(3). */
const FIRST = 3;

/** File descriptors of the sockets that systemd listens on for this process (`sluice.socket`); none without it. */
export function socketsOfSystemd(env: NodeJS.ProcessEnv, pid = process.pid): number[] {
  if (env.LISTEN_PID !== String(pid)) return [];
  return Array.from({ length: Number(env.LISTEN_FDS) || 0 }, (_, n) => FIRST + n);
}
