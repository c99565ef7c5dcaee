import type { Broken, Job, Journal, Sent } from "./journal.ts";

/** How much of what happened around it belongs to the story, in ms. */
const [BEFORE_MS, AFTER_MS] = [3_500, 300];

/** All that is known of one broken promise: its requests, what happened around it, and Sluice's own words. */
export function story(
  { promise, from: beginning, at, text, about }: Broken,
  journal: Journal,
  log: Record<string, unknown>[],
): string[] {
  const from = Math.min(beginning, ...about.map((sent) => sent.sentAt)) - BEFORE_MS;
  const around = journal.events.filter((event) => event.at >= from && event.at <= at + AFTER_MS);
  const ids = new Set(about.map((sent) => sent.plan.id));
  return [
    `${promise.toUpperCase()} at ${time(at)}: ${text}`,
    ...about.flatMap(requestLines),
    "  what happened around it:",
    ...around.map((event) => `    ${time(event.at)}  ${event.text}`),
    "  what Sluice logged:",
    ...log.filter((line) => ids.has(String(line.requestId))).map((line) => `    ${JSON.stringify(line)}`),
  ];
}

function requestLines({ plan, isolate, sentAt, stalledAt, endedAt, outcome, jobs, stored }: Sent): string[] {
  const body = plan.bodyBytes === null ? "" : `, ${plan.bodyBytes} bytes${plan.chunked ? " in chunks" : ""}`;
  return [
    `  ${plan.method} ${plan.id}${plan.idempotent ? "" : " (not idempotent)"}${body}, ${JSON.stringify(plan.client)}`,
    `    ${time(sentAt)}  sent to isolate ${isolate}`,
    ...storedLines(stored),
    ...(stalledAt === null ? [] : [`    ${time(stalledAt)}  the client stalls`]),
    ...jobs.flatMap(jobLines),
    `    ${time(endedAt)}  ended: ${outcome}`,
  ];
}

function storedLines(stored: Sent["stored"]): string[] {
  if (!stored) return [];
  const { acceptedAt, crashes, stoppedAt, isForgotten } = stored;
  return [
    `    ${time(acceptedAt)}  accepted for later`,
    ...crashes.map(({ from }) => `    ${time(from)}  its object crashes`),
    ...(stoppedAt === null
      ? []
      : [`    ${time(stoppedAt)}  ${isForgotten ? "off the list, or forgotten" : "stopped"}`]),
  ];
}

function jobLines(job: Job): string[] {
  const moments: [at: number | null, what: string][] = [
    [job.readAt, `read by ${job.server}, job ${job.number}: ${job.plan.behaviour}, ${job.plan.workMs} ms`],
    [job.wholeAt, `has it whole${job.sick ? ", and is out of order" : ""}`],
    [job.headAt, "head sent"],
    [job.hungAt, "hangs"],
    [job.turnedAwayAt, "turned away: busy for somebody else"],
    [job.gaveUpAt, "its front gave up"],
    [job.brokeAt, "connection broken by the server"],
    [job.cutAt, "connection closed by Sluice"],
    [job.doneAt, "work done"],
  ];
  return moments.flatMap(([at, what]) => (at === null ? [] : [`    ${time(at)}    ${what}`]));
}

function time(ms: number | null): string {
  return ms === null ? "        —" : `${(ms / 1000).toFixed(3).padStart(8)} s`;
}
