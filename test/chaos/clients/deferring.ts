import { setTimeout as sleep } from "node:timers/promises";
import { acceptanceFault, fateOf, summaryOf } from "../fate.ts";
import type { Journal, Sent } from "../journal.ts";
import { bodyOf, type RequestPlan } from "../plans.ts";
import type { Runtime } from "../runtime.ts";
import type { Stored } from "../stored.ts";
import { parsed, type Verdict, verdict } from "../verdict.ts";
import { begin, type Reply } from "./exchange.ts";
import { Monitor } from "./monitor.ts";
import { type Client, preferring } from "./plan.ts";

/** Longer than any takes to be accepted, and answered where its client waits for that. */
const PATIENCE_MS = 30_000;
/** Longer than any waits and is worked. */
const LONGEST_LIFE_MS = 60_000;
/** An attempt that is under way when its request is canceled may come to a server so much later. */
const UNDER_WAY_MS = 250;

interface Deferring {
  sent: Sent;
  journal: Journal;
  runtime: Runtime;
}

/**
 * Does what the client of a request has in mind that is to be stored. Resolves with the request's fate; `null`: it is
 * stored, and its client does not ask what becomes of it.
 */
export async function defer(deferring: Deferring): Promise<Verdict | null> {
  const { sent, journal, runtime } = deferring;
  const { client } = sent.plan;
  const unless = client.kind === "defers twice" ? await sendTwice(deferring, client) : await send(deferring);
  const { stored } = sent;
  if (!stored || (unless && "lost" in unless)) return unless;
  if (client.kind === "defers and leaves" || client.kind === "defers and waits") return null;
  const monitor = new Monitor(runtime, stored.id);
  if (client.kind === "defers and cancels") {
    await sleep(client.afterMs);
    const fault = await cancel(monitor, stored, journal);
    if (fault !== null) return { lost: fault };
  }
  const told = await monitor.untilEnded(LONGEST_LIFE_MS);
  stored.end = summaryOf(told);
  const fate = fateOf(sent, told, journal);
  if (client.kind !== "defers" || !client.forgets || "lost" in fate) return fate;
  const fault = await forget(monitor, stored, journal);
  return fault === null ? fate : { lost: fault };
}

/** Resolves with `null` if it is stored. */
async function send(
  { sent, journal, runtime }: Deferring,
  plan = sent.plan,
  waitS = plan.client.kind === "defers and waits" ? plan.client.waitS : 0,
): Promise<Verdict | null> {
  const [reply, tookMs] = await post(sent, plan, runtime, journal);
  if (reply.status !== 202 || !reply.whole) return verdict(sent, reply, journal);
  const fault = acceptanceFault(reply, tookMs, waitS);
  if (fault !== null) return { lost: fault };
  const { id } = JSON.parse(reply.body) as { id: string };
  const monitor = new Monitor(runtime, id);
  journal.accepted(sent, id, () => monitor.isQueued());
  return null;
}

async function sendTwice(deferring: Deferring, twice: Client<"defers twice">): Promise<Verdict | null> {
  const { sent, journal, runtime } = deferring;
  const { plan } = sent;
  if (twice.otherBody) {
    const refused = await send(deferring);
    if (!sent.stored) return refused;
    const [reply] = await post(sent, { ...plan, bodyBytes: (plan.bodyBytes ?? 0) + 1 }, runtime, journal);
    if (reply.status === 422 && parsed(reply.body)?.code === "idempotency-mismatch") return null;
    if (reply.status === 0 && journal.hadKill(sent.isolate, sent.sentAt)) return null;
    return { lost: `another body with its key, and ${reply.status} ${reply.body.slice(0, 300)}` };
  }
  const first = send(deferring);
  await sleep(twice.afterMs);
  const again = { ...plan, headers: { ...plan.headers, Prefer: preferring(twice.waitS) } };
  const both = await Promise.all([first, send(deferring, again, twice.waitS)]);
  return both.find((one) => one && "lost" in one) ?? both.find((one) => one !== null) ?? null;
}

async function post(
  { isolate }: Sent,
  plan: RequestPlan,
  runtime: Runtime,
  journal: Journal,
): Promise<[Reply, tookMs: number]> {
  const { url } = await runtime.isolate(isolate);
  const sentAt = journal.now();
  const { request, reply } = begin({ url, plan, patienceMs: PATIENCE_MS });
  request.end(bodyOf(plan));
  return [await reply, journal.now() - sentAt];
}

/** Resolves with what is wrong with the answer; `null`: nothing. */
async function cancel(monitor: Monitor, stored: Stored, journal: Journal): Promise<string | null> {
  const askedAt = journal.now();
  const { status, body } = await monitor.delete();
  const now = journal.now();
  stored.stoppedAt = status === 202 ? now + UNDER_WAY_MS + journal.slackMs : now;
  // If it had ended, it is forgotten now.
  stored.isForgotten = status !== 202;
  // A kill may have come between its deletion and the answer, and the client has asked again.
  if (status === 404 && journal.hadKill(0, askedAt)) return null;
  return status === 202 || status === 204 ? null : `canceled, and told ${status} ${body.slice(0, 300)}`;
}

async function forget(monitor: Monitor, stored: Stored, journal: Journal): Promise<string | null> {
  const fault = await cancel(monitor, stored, journal);
  if (fault !== null) return fault;
  const told = await monitor.untilEnded(0);
  stored.end = summaryOf(told);
  return told.status.status === 404 ? null : `to be forgotten, and still ${told.status.body}`;
}
