/**
 * A server whose host name is proxied by Cloudflare: when it fails, nothing breaks off, but Cloudflare answers for it
 * (developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors, 2026-11).
 */
import { SERVER_TIMEOUT_MS } from "../pool.ts";
import { type Act, sendInstead, sendRest } from "./answers.ts";

/** The server could not be reached: its request never came to it. */
export const NEVER_REACHED = [521, 523, 525, 526, 530] as const;

/** Less than the time after which Sluice gives up itself. */
const LONGEST_SILENCE_MS = 0.6 * SERVER_TIMEOUT_MS;

/** What Cloudflare says instead of the server, to the head's letter. */
export function answerFor(status: number): [headers: Record<string, string>, text: string] {
  return [{ Server: "cloudflare" }, `error code: ${status}`];
}

/** The server broke its connection, or never confirmed what was sent (522), and goes on for a while. */
export async function brokenByCloudflare(act: Act, status: 520 | 522): Promise<void> {
  const { work, server } = act;
  server.outages.breakOff(work, `Cloudflare's ${status}`, () =>
    sendInstead(act, status, ...answerFor(status)),
  );
  await work.goOnAfterBreak();
}

/** The server was silent for too long, and is still at work. */
export async function givenUpByCloudflare(act: Act): Promise<void> {
  const { work, job, server, journal } = act;
  if (!server.outages.mayHang) return sendRest(act);
  await work.busy(job.plan.before * LONGEST_SILENCE_MS);
  if (work.isClosed || !server.outages.mayHang) return sendRest(act);
  journal.fault("Cloudflare's 524", server.name);
  job.gaveUpAt = journal.now();
  sendInstead(act, 524, ...answerFor(524));
  await work.goOnAfterCut();
}
