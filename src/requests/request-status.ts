import type { DeferredState } from "../link/deferral.ts";

/** A deferred request as its client sees it. Instants are ISO 8601 in UTC. */
export interface RequestStatus {
  id: string;
  state: DeferredState;
  place: number | null;
  estimatedStartAt: string | null;
  acceptedAt: string;
  startedAt: string | null;
  endedAt: string | null;
  attempts: number;
  expiresAt: string;
  response: { status: number; url: string } | null;
  problem: { type: string; title: string; status: number; detail: string; code: string } | null;
}
