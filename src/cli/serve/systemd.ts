import { CliError, EXIT } from "../exit-codes.ts";
import { quoted } from "../terminal/output.ts";

/** The first file descriptor that systemd passes, sd_listen_fds(3). */
const FIRST = 3;
const MOST = 1024;

/** File descriptors of the sockets that systemd listens on for this process (`sluice.socket`); none without it. */
export function socketsOfSystemd(
  { LISTEN_PID: of, LISTEN_FDS: given = "0" }: NodeJS.ProcessEnv,
  pid = process.pid,
): number[] {
  if (of !== String(pid)) return [];
  const length = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (length >= 0 && length <= MOST) return Array.from({ length }, (_, n) => FIRST + n);
  throw new CliError(
    EXIT.usage,
    `LISTEN_FDS is ${quoted(given)}, which is no number of sockets from 0 to ${MOST}.`,
  );
}
