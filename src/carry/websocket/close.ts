/** A Close frame, sent or received. */
export interface Close {
  code: number;
  reason: string;
}

/** Stands for a Close frame without a code. */
export const NO_STATUS = 1005;

/** The codes that we send ourselves (RFC 6455, 7.4.1, and IANA's registry). */
export const GOING_AWAY = 1001;
export const PROTOCOL_ERROR = 1002;
export const POLICY_VIOLATION = 1008;
export const TRY_AGAIN_LATER = 1013;

/** Reserved: they may be in no Close frame. */
const RESERVED = [1004, 1006, 1015];

/** What a Close frame has room for, in bytes. */
const REASON_BYTES = 123;

/** Whether a Close frame may have this code; `NO_STATUS` is one without. */
export function mayBeSent(code: number): boolean {
  return code >= 1000 && code < 5000 && !RESERVED.includes(code);
}

/**
 * A reason that fits: one that came may have grown, as the runtime puts three bytes for each that is no UTF-8, and throws
 * for one that is too long (workerd 2026-11-17).
 */
export function fitting(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(REASON_BYTES));
  return reason.slice(0, read);
}
