import type { Sluice } from "../../support/sluice.ts";
import type { Journal, Sent } from "../journal.ts";
import { bodyOf } from "../plans.ts";
import { begin, type Call, type Reply } from "./exchange.ts";
import type { Client, ClientPlan, DirectKind } from "./plan.ts";
import { readSlowly, stallReading } from "./readers.ts";
import { breakUpload, stallUpload, uploadSlowly } from "./uploads.ts";
import { converse, greetBadly, keepSilent, resetBeforeAccepted } from "./web-sockets.ts";

/** Longer than any wait, with all of its attempts, can be. */
const PATIENCE_MS = 30_000;

export interface Doing {
  call: Call;
  sent: Sent;
  journal: Journal;
}

type Behaviour<Plan> = (doing: Doing, plan: Plan) => Promise<Reply>;

const clients: { [Kind in DirectKind]: Behaviour<Client<Kind>> } = {
  stays: send,
  leaves: send,
  "slow upload": uploadSlowly,
  "broken upload": breakUpload,
  "stalled upload": stallUpload,
  "slow reader": readSlowly,
  "stalled reader": stallReading,
  WebSocket: converse,
  "silent WebSocket": keepSilent,
  "bad handshake": greetBadly,
  "reset handshake": resetBeforeAccepted,
};

/** Does what the request's client has in mind. Resolves with what came of it; rejects when nothing does. */
export function perform(sent: Sent, journal: Journal, { url, leaverUrl }: Sluice): Promise<Reply> {
  const { plan } = sent;
  const call = { url: plan.client.kind === "leaves" ? leaverUrl : url, plan, patienceMs: PATIENCE_MS };
  const client = clients[plan.client.kind as DirectKind] as Behaviour<ClientPlan>;
  return client({ call, sent, journal }, plan.client);
}

async function send({ call }: Doing): Promise<Reply> {
  const { request, reply } = begin(call);
  request.end(bodyOf(call.plan));
  return reply;
}
