import { setTimeout as sleep } from "node:timers/promises";
import { TOKEN } from "../support/sluice.ts";
import type { Journal } from "./journal.ts";
import type { Runtime } from "./runtime.ts";

/** The part of a stored request's id that cannot be guessed, at the id's end. */
const SECRET_DIGITS = 32;
const LONG_HEX = /[\da-f]{32,}/g;

/**
 * What is told to others than the client of a stored request. Who has its id may read and cancel it, so that must not
 * be in there, nor the secret part of it alone.
 */
export class Overheard {
  /** Where each was told. */
  readonly #secrets = new Map<string, string>();

  listen(text: string, where: string): void {
    for (const [hex] of text.matchAll(LONG_HEX)) this.#secrets.set(hex.slice(-SECRET_DIGITS), where);
  }

  /** `null`: nowhere. */
  whereWas(id: string): string | null {
    return this.#secrets.get(id.slice(-SECRET_DIGITS)) ?? null;
  }
}

/** Listens to the pool's events and snapshots, until `signal`. */
export async function eavesdrop(runtime: Runtime, journal: Journal, signal: AbortSignal): Promise<void> {
  const path = `/_sluice/api/pools/${journal.settings.pool}/events`;
  while (!signal.aborted) {
    try {
      const { url } = await runtime.sluice();
      const headers = { Authorization: `Bearer ${TOKEN}` };
      const { body } = await fetch(url + path, { headers, signal });
      let text = "";
      for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const events = (text + chunk).split("\n\n");
        text = events.pop() ?? "";
        for (const event of events) journal.overheard.listen(event, "an event");
      }
    } catch {
      // It has ended, or is out of reach for a moment: it is asked again, as browsers do.
    }
    await sleep(100);
  }
}

/** At the end, when all that Sluice has logged is there. */
export async function judgeSecrets(runtime: Runtime, journal: Journal): Promise<void> {
  const { overheard, requests } = journal;
  const metrics = await runtime.through(async (sluice) => (await sluice.admin("GET", "/metrics")).text());
  overheard.listen(metrics, "the metrics");
  for (const line of runtime.output) overheard.listen(line, "the log");
  for (const sent of requests.values()) {
    const where = sent.stored && overheard.whereWas(sent.stored.id);
    if (where) journal.break("secret", `the id of ${sent.plan.id} is in ${where}`, [sent]);
  }
}
