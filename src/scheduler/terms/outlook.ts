/** What a request of the same client would meet now. */
export interface Outlook {
  /** How many requests would go before it. */
  queued: number;
  /** How long it would wait, in ms; `null`: nobody knows. */
  estimatedWaitMs: number | null;
  /** When it is worth trying again, from now, in ms; `null`: nobody knows. */
  retryAfterMs: number | null;
}
