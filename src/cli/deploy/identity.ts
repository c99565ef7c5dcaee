import { randomBytes } from "node:crypto";
import { hostname, userInfo } from "node:os";

/** Who drains, for others to read, and like nobody else: two runs never hold one drain. */
export function ownerName(what: string): string {
  return `${user()}@${hostname()} ${what} ${randomBytes(4).toString("hex")}`.slice(-LONGEST_OWNER);
}

/** What the admin side takes. */
const LONGEST_OWNER = 200;

function user(): string {
  try {
    return userInfo().username;
  } catch {
    // Containers run as users without a name.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
