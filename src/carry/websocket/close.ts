/** A Close frame, sent or received. */
export interface Close {
  code: number;
  reason: string;
}

/** The code of a Close frame that has none: it appears in close events, and is never sent (RFC 6455, 7.4.1). */
export const NO_STATUS = 1005;

/** Codes that we send ourselves (RFC 6455, 7.4.1, and IANA's registry). */
export const GOING_AWAY = 1001;
export const PROTOCOL_ERROR = 1002;
export const POLICY_VIOLATION = 1008;
export const TRY_AGAIN_LATER = 1013;

/** Codes that must not be in a Close frame. */
const RESERVED = [1004, 1006, 1015];

/** The longest reason that fits into a Close frame, in UTF-8. */
const REASON_BYTES = 123;

/** True if a Close frame may have this code. `NO_STATUS` passes, because it means a frame without a code. */
export function mayBeSent(code: number): boolean {
  return code >= 1000 && code < 5000 && !RESERVED.includes(code);
}

/**
 * Truncates a reason to what fits into a Close frame; the runtime throws at a longer one. A received reason may be too
 * long, because the runtime replaces each invalid UTF-8 byte by U+FFFD, which has three bytes (workerd 2026-11-17).
 */
export function truncate(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(REASON_BYTES));
  return reason.slice(0, read);
}
