/** Who changes something, and from where. Its events name `by`, and the audit keeps all of it. */
export interface Act {
  /** Unique. A call that is repeated has the same id. */
  id: string;
  by: string;
  /** `serve`: nobody has signed in, and `sluice serve` itself drains for its stop. */
  via: SignedInBy | "serve";
  /** The client's address; `null`: unknown. */
  address: string | null;
  /** What the client says that it is: its User-Agent, shortened. */
  agent: string | null;
}

/** By ADMIN_TOKEN, by a token of ADMIN_TOKENS, or by Cloudflare Access. */
export type SignedInBy = "admin-token" | "token" | "access";
